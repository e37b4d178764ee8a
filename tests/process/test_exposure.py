"""An operator who serves balances to other machines without authentication is warned."""

import os
import signal
import subprocess
from pathlib import Path

import httpx
import pytest

from tests.process.conftest import Starter
from tests.process.running import EXPORTER, FREE_PORT, Running, environment
from tests.web.protected import PASSWORD, USER, users_text, write_web_config

EVERYWHERE = "--web.listen-address=0.0.0.0:0"
EXPOSED = "bitopro_margin_exporter_exposed_without_auth"
WARNING = "balances are open to anyone who can reach this address"


def exposed(exporter: Running, auth: tuple[str, str] | None = None) -> str:
    """Return the line of the page that tells."""
    page = httpx.get(f"{exporter.address()}/metrics", auth=auth, trust_env=False).text
    (line,) = [line for line in page.splitlines() if line.startswith(EXPOSED)]
    return line


def test_public_address_without_authentication_is_warned_of(start: Starter) -> None:
    exporter = start(EVERYWHERE)

    assert exposed(exporter) == f"{EXPOSED} 1.0"
    assert exporter.end_by(signal.SIGTERM)[0] == 0
    assert exporter.stderr.count(f'{WARNING}; see --web.config.file" address=0.0.0.0:') == 1
    assert "msg=listening address=http://localhost:" in exporter.stderr


def test_public_address_with_users_is_fine(start: Starter, tmp_path: Path) -> None:
    web = write_web_config(tmp_path, users_text())
    exporter = start(EVERYWHERE, f"--web.config.file={web}")

    assert exposed(exporter, (USER, PASSWORD)) == f"{EXPOSED} 0.0"
    assert exporter.end_by(signal.SIGTERM)[0] == 0
    assert WARNING not in exporter.stderr


def test_loopback_needs_no_users(start: Starter) -> None:
    exporter = start()

    assert exposed(exporter) == f"{EXPOSED} 0.0"
    assert exporter.end_by(signal.SIGTERM)[0] == 0
    assert WARNING not in exporter.stderr


def test_web_configuration_that_cannot_be_used_ends_the_start(tmp_path: Path) -> None:
    web = write_web_config(tmp_path, "basic_auth_users: {prometheus: hunter2}\n")
    flag = f"--web.config.file={web}"
    with Running([*EXPORTER, flag], environment("http://127.0.0.1:9/v3")) as exporter:
        ended = exporter.end()

    assert ended.code == 78
    assert exporter.stderr == (
        f"error: {web}: basic_auth_users.prometheus: not a bcrypt hash, such as htpasswd -nBC 10 "
        "prints after the colon\n"
        "hint: to see it work without an account, run: bitopro-margin-exporter demo\n"
    )


def test_web_configuration_from_a_pipe_of_the_shell_ends_the_start() -> None:
    reading, writing = os.pipe()
    os.write(writing, users_text().encode())
    os.close(writing)
    flag = f"--web.config.file=/dev/fd/{reading}"
    # What Bash makes of --web.config.file=<(cat web.yml).
    ended = subprocess.run(
        [*EXPORTER, flag, FREE_PORT],
        env=environment("http://127.0.0.1:9/v3"),
        pass_fds=[reading],
        capture_output=True,
        text=True,
        check=False,
    )
    os.close(reading)

    assert ended.returncode == 78
    assert ended.stderr.splitlines()[0] == (
        f"error: --web.config.file: /dev/fd/{reading} is a fifo, which is what <(...) makes, and "
        "not a regular file; name a regular file"
    )


@pytest.mark.parametrize("text", ["", "# users\n", "basic_auth_users:\n"])
def test_empty_web_configuration_ends_the_start(tmp_path: Path, text: str) -> None:
    flag = f"--web.config.file={write_web_config(tmp_path, text)}"
    with Running([*EXPORTER, flag, FREE_PORT], environment("http://127.0.0.1:9/v3")) as exporter:
        ended = exporter.end()

    assert ended.code == 78
    assert "is empty" in exporter.stderr


def test_key_log_that_cannot_be_written_is_blamed_by_its_name(tmp_path: Path) -> None:
    variables = environment("http://127.0.0.1:9/v3", SSLKEYLOGFILE=str(tmp_path / "none" / "keys"))
    with Running([*EXPORTER, FREE_PORT], variables) as exporter:
        ended = exporter.end()

    assert ended.code == 78
    assert exporter.stderr.splitlines()[0] == (
        "error: SSLKEYLOGFILE: cannot write TLS keys to the file: No such file or directory; "
        "name a file that can be written, or unset it"
    )
