import json
from decimal import Decimal
from typing import Any

import pytest

from exporter.bitopro.market import BorrowTerm, parse_borrow_terms
from exporter.errors import JSONError, SchemaError
from tests.bitopro.answers import example


def answer_with(name: str, value: object) -> bytes:
    document: dict[str, Any] = json.loads(example("provisioning/borrow"))
    document["BTC"][name] = value
    return json.dumps(document).encode()


def test_example_becomes_terms_by_currency() -> None:
    terms = parse_borrow_terms(example("provisioning/borrow"))

    assert list(terms.terms) == ["BTC", "ETH", "USDT"]
    assert terms.unknown_fields == frozenset()
    assert terms.terms["USDT"] == BorrowTerm(
        system_limit_amount=Decimal(1_100_000),
        user_limit_amount=Decimal(800_000),
        system_borrowed_amount=Decimal("256240.33640959"),
        system_available_amount=Decimal("843759.66359041"),
        borrow_status=1,
        transfer_status=1,
        annual_interest_ratio=Decimal("0.01"),
    )


@pytest.mark.parametrize("currency", ["ETH", "", None, 1, "B TC"])
def test_entry_that_names_another_currency_than_its_key_is_refused(currency: object) -> None:
    with pytest.raises(SchemaError, match=r"^BTC\.currency: "):
        parse_borrow_terms(answer_with("currency", currency))


@pytest.mark.parametrize(
    ("percentage", "ratio"),
    [
        ("1", "0.01"),
        ("0", "0"),
        ("100", "1"),
        ("0.5", "0.005"),
        ("9" * 32 + "." + "9" * 32, "9" * 30 + "." + "9" * 34),
    ],
)
def test_percentage_becomes_the_exact_ratio(percentage: str, ratio: str) -> None:
    terms = parse_borrow_terms(answer_with("annualInterestPercentage", percentage))

    assert terms.terms["BTC"].annual_interest_ratio == Decimal(ratio)


@pytest.mark.parametrize(
    "name",
    [
        "maxSystemAmount",
        "maxUserAmount",
        "systemBorrowedAmount",
        "systemAvailableBorrowAmount",
        "annualInterestPercentage",
    ],
)
@pytest.mark.parametrize("value", [None, 1, 1.0, "", "-1", "1%", "1,000", "NaN", "1e3", True, []])
def test_amount_that_is_no_plain_decimal_is_refused(name: str, value: object) -> None:
    with pytest.raises(SchemaError, match=rf"^BTC\.{name}: "):
        parse_borrow_terms(answer_with(name, value))


@pytest.mark.parametrize("name", ["borrowStatus", "transferStatus"])
@pytest.mark.parametrize("value", [None, "1", 1.0, True, 2**31])
def test_status_that_is_no_integer_is_refused(name: str, value: object) -> None:
    with pytest.raises(SchemaError, match=rf"^BTC\.{name}: "):
        parse_borrow_terms(answer_with(name, value))


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"null", "the answer: an object was expected, not null"),
        (b"[]", "the answer: an object was expected, not a list"),
        (b"{}", "the answer: an object without a currency"),
        (b'{"error": "no"}', "error: an object was expected, not a string"),
        (b'{"data": {}}', "data.currency: missing"),
        (b'{"B\\nTC": {}}', "the answer: an object without a currency"),
        (b'{"B\\nTC": 1}', r"the answer.'B\nTC': an object was expected, not an integer"),
        (b'{"btc": {}, "BTC": {}}', "BTC.currency: missing"),
    ],
)
def test_what_is_not_the_documented_answer_is_refused(body: bytes, message: str) -> None:
    with pytest.raises(SchemaError) as caught:
        parse_borrow_terms(body)

    assert str(caught.value) == message


def test_currency_in_two_spellings_is_refused() -> None:
    document = json.loads(example("provisioning/borrow"))
    body = json.dumps({**document, "btc": document["BTC"]}).encode()

    with pytest.raises(SchemaError, match="^the answer: BTC is there twice"):
        parse_borrow_terms(body)


def test_odd_currency_costs_no_other_its_terms() -> None:
    document = json.loads(example("provisioning/borrow"))
    body = json.dumps({**document, "$WIF": {"currency": "$WIF"}}).encode()

    terms = parse_borrow_terms(body)

    assert list(terms.terms) == ["BTC", "ETH", "USDT"]
    assert terms.odd_currencies == {"'$WIF'"}


@pytest.mark.parametrize("body", [b"", b"<html>", b'{"BTC": {}, "BTC": {}}'])
def test_what_is_not_one_json_value_is_refused(body: bytes) -> None:
    with pytest.raises(JSONError):
        parse_borrow_terms(body)


def test_additional_fields_are_told_by_name() -> None:
    terms = parse_borrow_terms(answer_with("hourlyInterestPercentage", "1"))

    assert terms.unknown_fields == {"hourlyInterestPercentage"}
