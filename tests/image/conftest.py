"""One build and one demonstration for all tests, and the figures at the end."""

import os
import shutil
from collections.abc import Iterator

import pytest

from tests.image.engine import BASE, IMAGE, TOOLS, Container, build, megabytes

FIGURES = pytest.StashKey[list[str]]()


@pytest.fixture(scope="session")
def figures(pytestconfig: pytest.Config) -> list[str]:
    """What is shown at the end."""
    return pytestconfig.stash.setdefault(FIGURES, [])


@pytest.fixture(scope="session")
def image(figures: list[str]) -> str:
    """The image, freshly built."""
    if missing := [tool for tool in TOOLS if shutil.which(tool) is None]:
        pytest.skip(f"install Debian's packages {' '.join(missing)}")
    if os.geteuid() != 0:
        pytest.skip("building and running without a daemon needs root here")
    build()
    base, whole = megabytes(BASE), megabytes(IMAGE)
    figures.append(f"{whole - base:.0f} MB above its base, which is {base:.0f} MB here")
    return IMAGE


@pytest.fixture(scope="session")
def demo(image: str) -> Iterator[Container]:  # noqa: ARG001 - it has to be there
    """The demonstration, hardened, up and healthy."""
    with Container("demo", "--web.listen-address=:10061") as container:
        container.becomes_healthy()
        yield container


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Show the figures, whatever became of the tests."""
    for figure in config.stash.get(FIGURES, []):
        terminalreporter.write_line(f"image: {figure}")
