"""docs/quickstart.md is followed to the letter, in a fresh folder, and shows what it promises."""

import os
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from signal import SIGKILL

import pytest
from anyio.from_thread import start_blocking_portal

from exporter.simulator import Simulator, SimulatorConfig

PAGE = (Path(__file__).parents[2] / "docs" / "quickstart.md").read_text(encoding="utf-8")
# Commands, and what they print where that is shown.
STEP = re.compile(r"^```sh\n(.*?)^```\n(?:\n```text\n(.*?)^```\n)?", re.MULTILINE | re.DOTALL)
MARK = "--- end of a step ---\n"
ENVIRONMENT = {
    "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
    "LANG": "C.UTF-8",
    "NO_PROXY": "*",
}
_PATIENCE_SECONDS = 120


@pytest.fixture
def page() -> str:
    """The page, with free ports instead of those that may be taken."""
    with ExitStack() as stack:
        taken = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(2)]
        exchange, exporter = (str(each.getsockname()[1]) for each in taken)
    return (
        PAGE.replace("18061", exchange)
        .replace("simulate >", f"simulate --listen-address=127.0.0.1:{exchange} >")
        .replace(
            "exporter --config", f"exporter --web.listen-address=127.0.0.1:{exporter} --config"
        )
        .replace("http://127.0.0.1:10061", f"http://127.0.0.1:{exporter}")
    )


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A fresh folder; whatever was left running from it is ended."""
    yield tmp_path
    for path in tmp_path.glob("*.pid"):
        with suppress(ProcessLookupError):
            os.kill(int(path.read_text()), SIGKILL)


def pattern(shown: str) -> str:
    """Return a regular expression for an output; three dots stand for anything."""
    return re.escape(shown.strip()).replace(re.escape("..."), "(?s:.*)")


def test_every_command_does_what_the_page_shows(page: str, folder: Path) -> None:
    if shutil.which("curl") is None:
        pytest.skip("curl is missing: install Debian's package curl")
    steps = STEP.findall(page)
    script = f"echo '{MARK.strip()}'\n".join(commands for commands, _ in steps)

    done = subprocess.run(
        [shutil.which("bash") or "bash", "-e", "-c", script],
        cwd=folder,
        env=ENVIRONMENT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=_PATIENCE_SECONDS,
        check=False,
    )

    printed = done.stdout.decode().split(MARK)
    wrong = [
        f"$ {commands}{output}"
        for (commands, shown), output in zip(steps, printed, strict=False)
        if not re.fullmatch(pattern(shown), output.strip())
    ]
    assert not wrong, "\n".join(wrong)
    assert (done.returncode, len(printed)) == (0, len(steps))


def test_page_has_its_steps() -> None:
    assert len(STEP.findall(PAGE)) == PAGE.count("```sh") >= 10


def test_commands_for_a_real_account_are_right(folder: Path) -> None:
    readme = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    (block,) = re.findall(
        r"^   ```sh\n   \(umask [^\n]*\n(.*?)^   ```", readme, re.MULTILINE | re.DOTALL
    )
    (folder / "key").write_text("demo-key\n")
    (folder / "secret").write_text("demo-secret\n")
    config = SimulatorConfig(port=0, email="you@example.com")

    with (
        start_blocking_portal() as portal,
        portal.wrap_async_context_manager(Simulator(config)) as simulator,
    ):
        done = subprocess.run(
            [shutil.which("bash") or "bash", "-e", "-c", block],
            cwd=folder,
            env={**ENVIRONMENT, "BITOPRO_BASE_URL": simulator.base_url},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=_PATIENCE_SECONDS,
            check=False,
        )

    assert done.returncode == 0
    assert "All is well" in done.stdout.decode()
