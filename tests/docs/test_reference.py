"""The generated pages are those that `make docs` would write, and leave nothing out."""

from pathlib import Path

import pytest

from exporter.cli.parser import commands
from exporter.config.environment import known_variables
from exporter.errors import POLL_ERRORS, REASONS
from exporter.metrics.account import FAMILIES
from exporter.metrics.market import MARKET_FAMILIES
from reference import PAGES

DOCS = Path(__file__).parents[2] / "docs"


@pytest.mark.parametrize("name", PAGES)
def test_page_is_current(name: str) -> None:
    assert (DOCS / name).read_text() == PAGES[name](), "run: make docs"


def test_every_reason_has_advice() -> None:
    assert set(POLL_ERRORS) == set(REASONS)


def test_every_family_has_an_entry_and_an_example() -> None:
    page = (DOCS / "metrics.md").read_text()

    names = [*(each.name for each in FAMILIES), *(each.name for each in MARKET_FAMILIES)]
    assert [name for name in names if f"\n## {name}\n" not in page] == []
    without = [name for name in names if f"\n{name}{{" not in page]
    assert without == []


def test_every_variable_and_flag_is_there() -> None:
    page = (DOCS / "configuration.md").read_text()

    flags = [flag.written for each in commands() for flag in each.flags]
    assert [each for each in flags if f"`{each.replace('|', chr(92) + '|')}`" not in page] == []
    assert [each for each in known_variables() if f"`{each}`" not in page] == []
