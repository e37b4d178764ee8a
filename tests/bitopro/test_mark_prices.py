import json
from decimal import Decimal

import pytest

from exporter.bitopro.market import MarkPrices, parse_mark_prices
from exporter.errors import JSONError, SchemaError
from tests.bitopro.answers import example


def answer(**tokens: object) -> bytes:
    return json.dumps({"tokenPrices": tokens}).encode()


def token(currency: object = "BTC", price: object = "64824.5", **others: object) -> object:
    return {"currency": currency, "price": price, **others}


def test_example_becomes_prices_by_currency() -> None:
    assert parse_mark_prices(example("mark-price")) == MarkPrices(
        prices={
            "BTC": Decimal("64824.45906666"),
            "ETH": Decimal("3412.08070916"),
            "USDT": Decimal(1),
        },
        unknown_fields=frozenset(),
    )


@pytest.mark.parametrize("price", ["0", "0.00000000", "000"])
def test_price_of_zero_is_no_price(price: str) -> None:
    assert parse_mark_prices(answer(BTC=token(price=price))).prices == {}


def test_currencies_become_upper_case() -> None:
    prices = parse_mark_prices(answer(btc=token("Btc"))).prices

    assert list(prices) == ["BTC"]


def test_key_must_be_the_currency_beside_the_price() -> None:
    with pytest.raises(SchemaError, match=r"^tokenPrices\.BTC\.currency: another currency"):
        parse_mark_prices(answer(BTC=token("ETH")))


def test_currency_in_two_spellings_is_refused() -> None:
    with pytest.raises(SchemaError, match="^tokenPrices: BTC is there twice"):
        parse_mark_prices(answer(btc=token("btc"), BTC=token("BTC")))


def test_more_than_500_currencies_are_refused() -> None:
    tokens = {f"T{number}": token(f"T{number}") for number in range(501)}

    with pytest.raises(SchemaError, match="^tokenPrices: 501 currencies"):
        parse_mark_prices(answer(**tokens))


@pytest.mark.parametrize("name", ["", 'B"TC', "B\nTC", "<b>", "币安人生", "USD₮", "$WIF", "B" * 33])
def test_odd_currency_costs_no_other_its_price(name: str) -> None:
    found = parse_mark_prices(answer(**{name: token(name), "BTC": token("BTC")}))

    assert list(found.prices) == ["BTC"]
    assert len(found.odd_currencies) == 1


@pytest.mark.parametrize(
    "price",
    [
        "NaN",
        "Infinity",
        "1e3",
        "-1",
        "+1",
        "",
        " 1",
        "1,000.5",
        "1_0",
        ".5",
        "5.",
        "0x1",
        "١",
        "9" * 33,
        1.5,
        1,
        None,
        True,
        [],
        {},
    ],
)
def test_price_that_is_no_plain_decimal_is_refused(price: object) -> None:
    with pytest.raises(SchemaError, match=r"^tokenPrices\.BTC\.price: "):
        parse_mark_prices(answer(BTC=token(price=price)))


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"null", "the answer: an object was expected, not null"),
        (b"[]", "the answer: an object was expected, not a list"),
        (b"{}", "tokenPrices: missing"),
        (b'{"error": "no"}', "tokenPrices: missing"),
        (b'{"data": {"tokenPrices": {}}}', "tokenPrices: missing"),
        (b'{"tokenPrices": null}', "tokenPrices: an object was expected, not null"),
        (b'{"tokenPrices": []}', "tokenPrices: an object was expected, not a list"),
        (b'{"tokenPrices": {"BTC": "1"}}', "tokenPrices.BTC: an object was expected"),
        (b'{"tokenPrices": {"BTC": {"price": "1"}}}', "tokenPrices.BTC.currency: missing"),
        (b'{"tokenPrices": {"BTC": {"currency": "BTC"}}}', "tokenPrices.BTC.price: missing"),
        (answer(BTC=token(None)), "tokenPrices.BTC.currency: a string was expected, not null"),
    ],
)
def test_what_is_not_the_documented_answer_is_refused(body: bytes, message: str) -> None:
    with pytest.raises(SchemaError) as caught:
        parse_mark_prices(body)

    assert str(caught.value).startswith(message)


@pytest.mark.parametrize(
    "body",
    [b"", b"<html>", b'{"tokenPrices": {"BTC": 1, "BTC": 2}}', b'{"tokenPrices": NaN}', b"\xff"],
)
def test_what_is_not_one_json_value_is_refused(body: bytes) -> None:
    with pytest.raises(JSONError):
        parse_mark_prices(body)


def test_one_bad_price_costs_the_whole_answer() -> None:
    with pytest.raises(SchemaError):
        parse_mark_prices(answer(BTC=token(), ETH=token("ETH", "1e3")))


def test_no_prices_at_all_are_none() -> None:
    assert parse_mark_prices(answer()).prices == {}


def test_additional_fields_are_told_by_name() -> None:
    body = json.dumps({"tokenPrices": {"BTC": token(index="1", **{"o d": 1})}, "at": 1}).encode()

    assert parse_mark_prices(body).unknown_fields == {"index", "?", "at"}
