"""The README names what exists, all of it and nothing else."""

import re
from pathlib import Path

import pytest

from exporter.catalogue import FAMILIES
from exporter.environment import known_variables
from exporter.errors import REASONS
from exporter.family import PREFIX
from exporter.flags import parse_arguments
from exporter.market_catalogue import MARKET_FAMILIES
from exporter.simulator import SCENARIOS
from exporter.telemetry import process_registry
from exporter.web_config import FILE_KEYS, HEADERS, TLS_KEYS

README = (Path(__file__).parent.parent / "README.md").read_text()


def section(heading: str) -> str:
    """Give the text from a heading to the next one of any level."""
    return re.split(
        r"^#+ .*$", README.partition(f"# {heading}\n")[2], maxsplit=1, flags=re.MULTILINE
    )[0]


def first_cells(text: str) -> list[str]:
    """Give the code words in the first column of a table."""
    rows = re.findall(r"^\| (`.*?) \|", text, re.MULTILINE)
    return [word for row in rows for word in re.findall(r"`([^`]+)`", row)]


def test_every_metric_is_in_the_table() -> None:
    listed = {PREFIX + name for name in first_cells(section("Prometheus"))}

    ours = {metric.name for metric in process_registry(0.0).collect() if PREFIX in metric.name}
    of_market = {family.name for family in MARKET_FAMILIES}
    assert listed == {family.name for family in FAMILIES} | of_market | ours


def test_every_reason_is_explained() -> None:
    assert sorted(first_cells(section("Reasons of failed polls"))) == sorted(REASONS)


def test_every_variable_is_in_the_table() -> None:
    table = section("With a real account").replace("`..._", "`BITOPRO_THRESHOLD_")
    listed = {name for name in first_cells(table) if name.startswith("BITOPRO_")}

    assert listed == {name for name in known_variables() if not name.endswith("_FILE")}


def flags_of(command: str, capsys: pytest.CaptureFixture[str]) -> set[str]:
    with pytest.raises(SystemExit):
        parse_arguments([command, "--help"])
    return set(re.findall(r"^  .*?(--[a-z][a-z.-]+)", capsys.readouterr().out, re.MULTILINE))


def test_every_flag_of_run_is_in_the_table(capsys: pytest.CaptureFixture[str]) -> None:
    assert set(first_cells(section("Flags"))) == flags_of("run", capsys)


def test_every_flag_of_once_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert flags_of("once", capsys) <= set(re.findall(r"--[a-z][a-z.-]+", README))


def test_every_key_of_the_web_configuration_is_in_the_table() -> None:
    table = section("Beyond this machine")

    assert set(first_cells(table)) == FILE_KEYS
    assert set(re.findall(r"`(\w+)`", table)) >= TLS_KEYS
    assert set(HEADERS) <= set(re.findall(r"`([\w-]+)`", table))


def test_every_scenario_is_named() -> None:
    assert set(SCENARIOS) <= set(re.findall(r"`([a-z-]+)`", section("The simulator")))
