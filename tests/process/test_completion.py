"""Completion and manual, tried with the programs that read them."""

import os
import pty
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from select import select

import pytest

from exporter.cli import main
from exporter.command_line.completion import completion
from exporter.command_line.flag_tree import commands_of
from exporter.command_line.flags import command_line

PROGRAM = "bitopro-margin-exporter"
_PATIENCE_SECONDS = 20.0


def tool(name: str) -> str:
    path = shutil.which(name)
    if path is None:
        pytest.skip(f"{name} is missing: install Debian's package {name}")
    return path


class Shell:
    """An interactive shell on a terminal of its own."""

    def __init__(self, terminal: int) -> None:
        self._terminal = terminal
        self._seen = ""

    def type(self, text: str, until: str) -> None:
        """Type, and wait for what the shell shows."""
        os.write(self._terminal, text.encode())
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while until not in self._seen:
            ready, _, _ = select([self._terminal], [], [], deadline - time.monotonic())
            assert ready, f"{until!r} is not in {self._seen!r}"
            self._seen += os.read(self._terminal, 4096).decode(errors="replace")
        self._seen = self._seen.rpartition(until)[2]


@contextmanager
def shell(*command: str) -> Iterator[Shell]:
    terminal, its_end = pty.openpty()
    variables = {**os.environ, "TERM": "dumb", "PS1": "READY> ", "COLUMNS": "300"}
    with subprocess.Popen(
        command,
        stdin=its_end,
        stdout=its_end,
        stderr=its_end,
        env=variables,
        start_new_session=True,
    ) as process:
        os.close(its_end)
        try:
            yield Shell(terminal)
        finally:
            process.kill()
            os.close(terminal)


@pytest.fixture
def script(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    path = tmp_path / "completion"
    path.write_text(completion(request.param, commands_of(command_line())))
    return path


@pytest.mark.parametrize("script", ["bash"], indirect=True)
def test_bash_completes_commands_flags_and_values(script: Path) -> None:
    with shell(tool("bash"), "--norc", "--noprofile", "-i") as bash:
        bash.type("", until="READY> ")
        bash.type(f"source {script}; echo loa''ded\n", until="loaded")
        bash.type(f"{PROGRAM} che\t", until=f"{PROGRAM} check ")
        bash.type("--log.le\t", until="--log.level=")
        bash.type("w\t", until="warn ")
        bash.type("--offl\t", until="--offline ")


@pytest.mark.parametrize("script", ["bash"], indirect=True)
@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("", [each.name for each in commands_of(command_line())]),
        ("s", ["simulate"]),
        ("--log.f", ["--log.format="]),
        ("--log.format=", ["logfmt", "json"]),
        ("run --config.file=com", ["completion"]),
        ("simulate --scenario=f", ["flash-crash"]),
        ("completion ", ["bash", "zsh", "fish"]),
        ("man ", []),
        ("check --fault", []),
    ],
)
def test_bash_knows_what_may_follow(line: str, words: list[str], script: Path) -> None:
    text = f"{PROGRAM} {line}"
    commands = f"""
        source {script}
        COMP_LINE='{text}' COMP_POINT={len(text)}
        _bitopro_margin_exporter
        printf '%s\\n' "${{COMPREPLY[@]}}"
    """

    done = subprocess.run(
        [tool("bash"), "-c", commands], capture_output=True, check=True, cwd=script.parent
    )

    assert done.stdout.decode().split() == words


@pytest.mark.parametrize("script", ["zsh"], indirect=True)
def test_zsh_completes_commands_flags_and_values(script: Path) -> None:
    with shell(tool("zsh"), "-f", "-i") as zsh:
        zsh.type(
            f"autoload -U compinit; compinit -D -u; source {script}; echo loa''ded\n", "loaded"
        )
        zsh.type(f"{PROGRAM} che\t", until=f"{PROGRAM} check ")
        zsh.type("--log.le\t", until="--log.level=")
        zsh.type("w\t", until="warn ")
        zsh.type("--offl\t", until="--offline ")


@pytest.mark.parametrize("script", ["fish"], indirect=True)
@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("ch", ["check"]),
        ("check --offl", ["--offline"]),
        ("check --log.level ", ["debug", "error", "info", "warn"]),
        ("--log.f", ["--log.format"]),
        ("completion ", ["bash", "fish", "zsh"]),
    ],
)
def test_fish_knows_what_may_follow(line: str, words: list[str], script: Path) -> None:
    commands = f"source {script}; complete -C '{PROGRAM} {line}'"

    done = subprocess.run(
        [tool("fish"), "--no-config", "-c", commands], capture_output=True, check=True
    )

    assert [each.split("\t")[0] for each in done.stdout.decode().splitlines()] == words


@pytest.fixture
def manual(capsys: pytest.CaptureFixture[str]) -> str:
    assert main(["man"]) == 0
    return capsys.readouterr().out


def test_manual_gives_groff_no_reason_to_warn(manual: str) -> None:
    done = subprocess.run(
        [tool("groff"), "-man", "-ww", "-Tutf8"],
        input=manual.encode(),
        capture_output=True,
        check=True,
    )

    assert done.stderr == b""
    assert "EXIT STATUS" in re.sub(".\b", "", done.stdout.decode())


def test_manual_names_every_command_flag_and_variable(manual: str) -> None:
    plain = manual.replace("\\-", "-")
    commands = commands_of(command_line())

    missing = [
        flag.option for each in commands for flag in each.flags if f"\\fB{flag.option}" not in plain
    ]
    assert missing == []
    assert [each.name for each in commands if f"\\fB{each.name}\\fR" not in plain] == []
    assert "\\fBBITOPRO_API_SECRET_FILE\\fR" in plain


def test_program_prints_what_a_shell_can_load() -> None:
    commands = f"source <({sys.executable} -m exporter completion bash) && complete -p {PROGRAM}"

    done = subprocess.run([tool("bash"), "-c", commands], capture_output=True, check=True)

    assert done.stdout.decode() == f"complete -F _bitopro_margin_exporter {PROGRAM}\n"
