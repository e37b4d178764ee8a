import json

import pytest

from exporter.bitopro.balances import parse_snapshot
from exporter.bitopro.consistency import Undocumented, with_undocumented
from exporter.bitopro.liquidations import parse_liquidations
from exporter.bitopro.market import parse_borrow_terms, parse_mark_prices
from tests.bitopro.answers import answer_with, balance_with, documented, example


def test_documented_example_holds_nothing_new(documented_answer: bytes) -> None:
    assert with_undocumented(frozenset(), parse_snapshot(documented_answer)) == frozenset()


@pytest.mark.parametrize(
    ("answer", "item"),
    [
        (answer_with("riskLevel", 1), Undocumented("field", "riskLevel")),
        (answer_with("adRatioLabel", "DANGER"), Undocumented("label", "DANGER")),
        (answer_with("accountStatus", 9), Undocumented("status", "accountStatus 9")),
        (answer_with("marginStatus", 0), Undocumented("status", "marginStatus 0")),
        (balance_with("borrowStatus", 3), Undocumented("status", "borrowStatus 3")),
        (balance_with("transferStatus", -1), Undocumented("status", "transferStatus -1")),
    ],
)
def test_what_the_documentation_does_not_name_is_noticed(answer: bytes, item: Undocumented) -> None:
    assert with_undocumented(frozenset(), parse_snapshot(answer)) == {item}


@pytest.mark.parametrize("status", [0, 1, 2])
def test_documented_statuses_of_currencies_are_not_news(status: int) -> None:
    snapshot = parse_snapshot(balance_with("borrowStatus", status))

    assert with_undocumented(frozenset(), snapshot) == frozenset()


def test_odd_currency_is_noticed_by_its_escaped_name() -> None:
    body = replaced("mark-price", b'"ETH": {', b'"USD\xe2\x82\xae": {')

    assert with_undocumented(frozenset(), parse_mark_prices(body)) == {
        Undocumented("currency", r"'USD\u20ae'")
    }


def test_what_is_known_is_not_news_again() -> None:
    snapshot = parse_snapshot(answer_with("riskLevel", 1))
    known = with_undocumented(frozenset(), snapshot)

    assert with_undocumented(known, snapshot) is known


def test_endless_new_names_do_not_fill_the_memory() -> None:
    known = frozenset(Undocumented("field", f"f{number}") for number in range(1000))
    document = {**documented(), "oneMore": 1}

    assert with_undocumented(known, parse_snapshot(json.dumps(document).encode())) is known


def replaced(endpoint: str, old: bytes, new: bytes) -> bytes:
    return example(endpoint).replace(old, new, 1)


def test_additional_field_of_a_price_is_noticed() -> None:
    prices = parse_mark_prices(replaced("mark-price", b'"price"', b'"index": "1", "price"'))

    assert with_undocumented(frozenset(), prices) == {Undocumented("field", "index")}


def test_unknown_status_of_terms_is_noticed() -> None:
    body = replaced("provisioning/borrow", b'"borrowStatus": 1', b'"borrowStatus": 5')

    assert with_undocumented(frozenset(), parse_borrow_terms(body)) == {
        Undocumented("status", "borrowStatus 5")
    }


def test_unknown_status_and_type_of_liquidations_are_noticed() -> None:
    body = replaced("user-liquidations", b'"type": 1', b'"type": 3')

    assert with_undocumented(frozenset(), parse_liquidations(body)) == {
        Undocumented("status", "liquidation status 1"),
        Undocumented("status", "liquidation type 3"),
    }


def test_liquidations_that_are_announced_and_not_listed_are_told() -> None:
    body = b'{"liquidations": [], "liquidationsAmount": 1}'

    assert with_undocumented(frozenset(), parse_liquidations(body)) == {
        Undocumented("status", "liquidations listed in part")
    }
