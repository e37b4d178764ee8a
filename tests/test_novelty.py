import json

import pytest

from exporter.novelty import Novelty, with_novelties
from exporter.snapshot import parse_snapshot
from tests.answers import answer_with, balance_with, documented


def test_documented_example_holds_nothing_new(documented_answer: bytes) -> None:
    assert with_novelties(frozenset(), parse_snapshot(documented_answer)) == frozenset()


@pytest.mark.parametrize(
    ("answer", "novelty"),
    [
        (answer_with("riskLevel", 1), Novelty("field", "riskLevel")),
        (answer_with("adRatioLabel", "DANGER"), Novelty("label", "DANGER")),
        (answer_with("accountStatus", 9), Novelty("status", "accountStatus 9")),
        (answer_with("marginStatus", 0), Novelty("status", "marginStatus 0")),
        (balance_with("borrowStatus", 3), Novelty("status", "borrowStatus 3")),
        (balance_with("transferStatus", -1), Novelty("status", "transferStatus -1")),
    ],
)
def test_what_the_documentation_does_not_name_is_noticed(answer: bytes, novelty: Novelty) -> None:
    assert with_novelties(frozenset(), parse_snapshot(answer)) == {novelty}


@pytest.mark.parametrize("status", [0, 1, 2])
def test_documented_statuses_of_currencies_are_not_news(status: int) -> None:
    snapshot = parse_snapshot(balance_with("borrowStatus", status))

    assert with_novelties(frozenset(), snapshot) == frozenset()


def test_what_is_known_is_not_news_again() -> None:
    snapshot = parse_snapshot(answer_with("riskLevel", 1))
    known = with_novelties(frozenset(), snapshot)

    assert with_novelties(known, snapshot) is known


def test_endless_new_names_do_not_fill_the_memory() -> None:
    known = frozenset(Novelty("field", f"f{number}") for number in range(1000))
    document = {**documented(), "oneMore": 1}

    assert with_novelties(known, parse_snapshot(json.dumps(document).encode())) is known
