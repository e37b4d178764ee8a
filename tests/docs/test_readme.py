"""The README is short, and the commands in the documentation are ones that exist."""

import re
import shlex
from pathlib import Path

import pytest

from exporter.cli.parser import commands, parse_arguments
from exporter.simulator import FAULTS, SCENARIOS
from exporter.web.config import FILE_KEYS, HEADERS, TLS_KEYS

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
SIMULATOR = (ROOT / "docs" / "dev" / "simulator.md").read_text(encoding="utf-8")
# In blocks of commands and in code words, lines that go on being one.
TEXT = f"{README}\n{SIMULATOR}".replace("\\\n", " ")
COMMANDS = sorted(
    set(
        re.findall(
            r"(?:^|`|\(| )(bitopro-margin-exporter(?: [^`\n)|]*)?)(?=`|$|\))", TEXT, re.MULTILINE
        )
    )
)


def test_readme_is_short() -> None:
    assert len(README.splitlines()) <= 135


@pytest.mark.parametrize("command", COMMANDS)
def test_command_is_one_that_can_be_given(command: str) -> None:
    words = shlex.split(command, comments=True)

    parse_arguments(words[1:])


def test_documents_count_the_faults_of_the_simulator() -> None:
    reliability = (ROOT / "docs" / "dev" / "reliability.md").read_text(encoding="utf-8")
    changes = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    accepted = sum(fault.accepted for fault in FAULTS.values())

    assert re.findall(r"^(\d+) faults: 0 silent", reliability, re.MULTILINE) == [str(len(FAULTS))]
    assert re.findall(r"(\d+) of the faults are to be refused; (\d+) are odd", reliability) == [
        (str(len(FAULTS) - accepted), str(accepted))
    ]
    assert re.findall(r"with (\d+) faults", changes) == [str(len(FAULTS))]


def test_commands_of_newcomers_are_named() -> None:
    named = {command.split()[1] for command in COMMANDS if " " in command}

    assert {"check", "drill", "simulate"} <= named
    assert named - {"--config.file=config.yml"} <= {each.name for each in commands()}


def test_make_targets_exist() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    pages = [README, (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")]
    targets = {name for page in pages for name in re.findall(r"\bmake ([a-z0-9-]+)(?=`|  )", page)}

    assert {"demo", "test", "lint"} <= targets
    assert [name for name in targets if f"\n{name}: " not in makefile] == []


def test_every_scenario_is_described() -> None:
    assert re.findall(r"^\| `([a-z-]+)` \|", SIMULATOR, re.MULTILINE) == list(SCENARIOS)


def test_every_key_of_the_web_configuration_is_explained() -> None:
    page = (ROOT / "docs" / "web.md").read_text(encoding="utf-8")

    assert set(re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE)) == FILE_KEYS
    assert set(re.findall(r"`(\w+)`", page)) >= TLS_KEYS
    assert set(HEADERS) <= set(re.findall(r"`([\w-]+)`", page))
