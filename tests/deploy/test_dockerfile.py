"""What the Dockerfile promises, read as text; tests/image builds and runs it."""

import json
import re
from fnmatch import fnmatch

import pytest

from exporter.cli.parser import parse_arguments
from tests.alerts.deployment import ROOT

INSTRUCTIONS = re.findall(
    r"^([A-Z]+) (.*)$",
    re.sub(r"^#.*\n", "", (ROOT / "Dockerfile").read_text(), flags=re.MULTILINE).replace(
        "\\\n", " "
    ),
    re.MULTILINE,
)
LAST_STAGE = INSTRUCTIONS[max(i for i, (name, _) in enumerate(INSTRUCTIONS) if name == "FROM") :]
PINNED = re.compile(r"^([\w.-]+)==(\S+)", re.MULTILINE)


def values(name: str, instructions: list[tuple[str, str]] = LAST_STAGE) -> list[str]:
    return [value.strip() for each, value in instructions if each == name]


def command(name: str) -> list[str]:
    """Return the words of an instruction in exec form."""
    words = json.loads(values(name)[0].rpartition("CMD ")[2])
    assert words == [word for word in words if isinstance(word, str)]
    found: list[str] = words
    return found


def test_base_can_be_pinned_by_digest_in_every_stage() -> None:
    stages = [each.split()[0] for each in values("FROM", INSTRUCTIONS)]

    assert stages == ["${BASE}${BASE_DIGEST:+@${BASE_DIGEST}}"] * 2
    assert values("ARG", INSTRUCTIONS)[:2] == ["BASE=python:3.14-slim-bookworm", "BASE_DIGEST="]


def test_nothing_is_installed_whose_hash_is_not_known() -> None:
    (locked, built) = values("RUN", INSTRUCTIONS)
    installs = [each for each in re.split("&&", f"{locked}&&{built}") if "install " in each]

    assert ["--require-hashes" in each or "--no-index" in each for each in installs] == [True] * 3
    assert ["--no-deps" in each for each in installs] == [False, False, True]


def test_image_runs_as_nobody_in_particular() -> None:
    assert values("USER") == ["65532:65532"]


def test_last_stage_runs_nothing_at_build() -> None:
    assert values("RUN") == []
    assert values("COPY") == ["--from=build /opt/exporter /opt/exporter"]


def test_signals_reach_the_exporter_for_no_shell_is_between() -> None:
    assert values("STOPSIGNAL") == ["SIGTERM"]
    assert command("ENTRYPOINT") == ["bitopro-margin-exporter"]
    assert values("SHELL", INSTRUCTIONS) == []


def test_image_serves_where_its_port_is_exposed() -> None:
    options = parse_arguments(command("CMD"))

    assert options.command == "run"
    assert options.listen_addresses == [":10061"]
    assert values("EXPOSE") == ["10061"]


def test_health_is_asked_of_the_exporter_itself() -> None:
    name, *arguments = command("HEALTHCHECK")

    options = parse_arguments(arguments)
    assert name == "bitopro-margin-exporter"
    assert options.command == "healthcheck"
    assert options.listen_address == ("127.0.0.1", 10061)


def test_engine_waits_longer_than_the_healthcheck_does() -> None:
    assert "--timeout=5s" in values("HEALTHCHECK")[0].split()


@pytest.mark.parametrize(
    "path", [".git/config", "key", "deploy/compose/secrets/api-key", "tests/conftest.py", ".venv"]
)
def test_nothing_else_reaches_the_engine(path: str) -> None:
    first, *admitted = [
        line
        for line in (ROOT / ".dockerignore").read_text().splitlines()
        if line and not line.startswith("#")
    ]

    assert first == "*"
    assert [each for each in admitted if fnmatch(path, f"{each.lstrip('!')}*")] == []


def test_everything_that_is_copied_reaches_the_engine() -> None:
    admitted = re.findall(r"^!(.*)$", (ROOT / ".dockerignore").read_text(), re.MULTILINE)
    copies = [each.split() for each in values("COPY", INSTRUCTIONS[: -len(LAST_STAGE)])]

    assert sorted(path.rstrip("/") for *paths, _ in copies for path in paths) == sorted(admitted)


def test_what_builds_the_image_is_what_builds_for_tests() -> None:
    build = PINNED.findall((ROOT / "requirements" / "build.txt").read_text())
    dev = PINNED.findall((ROOT / "requirements" / "dev.txt").read_text())

    assert {"hatchling"} <= {name for name, _ in build}
    assert set(build) <= set(dev)
