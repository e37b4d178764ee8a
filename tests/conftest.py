"""What every test may use."""

import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Generator
from pathlib import Path

import pytest

FIXTURES = Path(__file__).parent / "fixtures"
ROOT = Path(__file__).parents[1]

pytest_plugins = ["tests.secret_leaks"]


@pytest.fixture
def anyio_backend() -> str:
    """Async tests run on asyncio, as the exporter does."""
    return "asyncio"


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """The developer's own account must not reach a test."""
    for name in [each for each in os.environ if each.upper().startswith("BITOPRO_")]:
        monkeypatch.delenv(name)


@pytest.fixture
def documented_answer() -> bytes:
    """The example of the API documentation, byte for byte."""
    return (FIXTURES / "margin_balances.json").read_bytes()


@pytest.fixture(scope="session")
def curl() -> str:
    """Debian's curl."""
    return _tool("curl", "curl")


@pytest.fixture(scope="session")
def promtool() -> str:
    """Debian's promtool, from the package prometheus."""
    return _tool("promtool", "prometheus")


@pytest.fixture(scope="session")
def prometheus() -> str:
    """Debian's Prometheus server."""
    return _tool("prometheus", "prometheus")


def _tool(command: str, package: str) -> str:
    path = shutil.which(command)
    if path is None:
        pytest.skip(f"{command} is missing: install Debian's package {package}")
    return path


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """In CI a test that is skipped was not run, and that is a failure."""
    report = yield
    if report.skipped and os.environ.get("CI") == "true":
        report.outcome = "failed"
        report.longrepr = f"skipped, which CI does not allow: {report.longrepr}"
    return report


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package as it is built for the index."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
    subprocess.run([*build, f"--wheel-dir={folder}", ROOT], check=True)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory, wheel: Path) -> Path:
    """The command of the wheel, installed alone into a new environment, without any index.

    What it depends on is that of the tests; their editable installation is not, because the .pth
    files of a folder that is itself named by one are not read.
    """
    folder = tmp_path_factory.mktemp("installed")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    install = [sys.executable, "-m", "pip", f"--python={folder}/bin/python", "install", "--quiet"]
    subprocess.run([*install, "--no-deps", "--no-index", wheel], check=True)
    (packages,) = folder.glob("lib/python*/site-packages")
    (packages / "dependencies.pth").write_text(sysconfig.get_path("purelib"))
    return folder / "bin" / "bitopro-margin-exporter"
