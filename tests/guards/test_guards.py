"""The list of guards keeps up with the source."""

from collections.abc import Iterable

import pytest

from tests.guards import GUARDS
from tests.guards.__main__ import main, table
from tests.guards.guard import Guard
from tests.process.running import ROOT


def ids(guards: Iterable[Guard]) -> list[str]:
    return [guard.name for guard in guards]


@pytest.mark.parametrize("guard", GUARDS, ids=ids(GUARDS))
def test_guard_is_exactly_once_in_the_source(guard: Guard) -> None:
    source = (ROOT / "exporter" / guard.file).read_text(encoding="utf-8")

    assert source.count(guard.fragment) == 1


@pytest.mark.parametrize("guard", GUARDS, ids=ids(GUARDS))
def test_guard_is_asked_of_tests_that_exist(guard: Guard) -> None:
    assert (ROOT / "tests" / guard.tests[0].partition("::")[0]).exists()


def test_guards_have_names_of_their_own() -> None:
    assert len(set(ids(GUARDS))) == len(GUARDS)


def test_published_list_is_current() -> None:
    published = (ROOT / "docs" / "guards.md").read_text(encoding="utf-8")

    heading, _, rows = published.partition("| The exporter |")
    assert heading.startswith("# Guards\n\nEach row is a line of code")
    assert f"| The exporter |{rows}" == table()


def test_there_are_at_least_sixty() -> None:
    assert len(GUARDS) >= 60


def test_list_has_a_row_for_every_guard(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--list"]) == 0

    rows = capsys.readouterr().out.splitlines()[2:]
    assert [row.split(" | ")[0].removeprefix("| ") for row in rows] == ids(GUARDS)
