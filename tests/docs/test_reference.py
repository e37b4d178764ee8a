"""The generated references leave nothing out."""

from pathlib import Path

from exporter.cli.parser import commands
from exporter.config.environment import known_variables
from exporter.config.yaml_file import MODELS
from exporter.errors import POLL_ERRORS
from exporter.metrics.account import FAMILIES
from exporter.metrics.exporter import EXPORTER_FAMILIES
from exporter.metrics.market import MARKET_FAMILIES

DOCS = Path(__file__).parents[2] / "docs"


def test_every_reason_has_its_meaning_and_hint() -> None:
    page = (DOCS / "metrics.md").read_text()

    assert [
        reason
        for reason, error in POLL_ERRORS.items()
        if f"| `{reason}` | {error.meaning} | {error.hint} |" not in page
    ] == []


def test_every_family_has_one_entry_and_that_of_an_account_an_example() -> None:
    page = (DOCS / "metrics.md").read_text()

    of_accounts = [*(each.name for each in FAMILIES), *(each.name for each in MARKET_FAMILIES)]
    names = [*of_accounts, *(each.name for each in EXPORTER_FAMILIES)]
    assert [name for name in names if page.count(f"\n| `{name}` |") != 1] == []
    assert [name for name in of_accounts if f"\n{name}{{" not in page] == []


def test_every_variable_and_flag_is_there() -> None:
    page = (DOCS / "configuration.md").read_text()

    flags = [flag.written for each in commands() for flag in each.flags]
    assert [each for each in flags if f"`{each.replace('|', chr(92) + '|')}`" not in page] == []
    assert [each for each in known_variables() if f"`{each}`" not in page] == []


def test_every_key_of_the_file_is_there() -> None:
    page = (DOCS / "configuration.md").read_text()

    keys = [
        f"{place}{field.alias or name}"
        for place, model in MODELS.items()
        for name, field in model.model_fields.items()
        if field.description is not None
    ]
    assert [key for key in keys if page.count(f"| `{key}` |") != 1] == []
