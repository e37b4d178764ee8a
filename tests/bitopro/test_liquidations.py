import json
from decimal import Decimal
from typing import Any

import pytest

from exporter.bitopro.liquidations import Liquidation, parse_liquidations
from exporter.errors import JSONError, SchemaError
from tests.bitopro.answers import example

REPAID = {
    "serial": 7,
    "debtCurrency": "USDT",
    "debtAmount": "1,000,104.57077436",
    "status": 2,
    "type": 1,
    "finishTimestamp": 1_700_000_000,
}
SOLD = {**REPAID, "type": 2, "assetCurrency": "BTC", "assetAmount": "15.5"}


def answer(*rows: object, count: object = None) -> bytes:
    amount = len(rows) if count is None else count
    return json.dumps({"liquidations": rows, "liquidationsAmount": amount}).encode()


def row_with(name: str, value: object) -> bytes:
    return answer({**SOLD, name: value})


def row_without(name: str) -> bytes:
    return answer({each: value for each, value in SOLD.items() if each != name})


def test_example_becomes_finished_and_unfinished_liquidations() -> None:
    liquidations = parse_liquidations(example("user-liquidations"))

    assert dict(liquidations.finished) == {
        9000000124: Liquidation(
            serial=9000000124,
            type=2,
            debt_currency="USDT",
            debt_amount=Decimal("1000104.57077436"),
            asset_currency="BTC",
            asset_amount=Decimal("15.42789613"),
            finish_timestamp_seconds=1_700_000_000,
        ),
        9000000123: Liquidation(
            serial=9000000123,
            type=1,
            debt_currency="ETH",
            debt_amount=Decimal("0.5"),
            asset_currency=None,
            asset_amount=None,
            finish_timestamp_seconds=1_690_000_000,
        ),
    }
    assert dict(liquidations.unfinished) == {9000000125: 1}
    assert liquidations.unknown_fields == frozenset()


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("1,000,104.57077436", "1000104.57077436"),
        ("1000104.57077436", "1000104.57077436"),
        ("1,000", "1000"),
        ("999", "999"),
        ("12,345.6", "12345.6"),
        ("0.00000001", "0.00000001"),
        ("0", "0"),
    ],
)
def test_amount_with_or_without_separators_is_exact(text: str, amount: str) -> None:
    liquidation = parse_liquidations(row_with("debtAmount", text)).finished[7]

    assert liquidation.debt_amount == Decimal(amount)


@pytest.mark.parametrize("name", ["debtAmount", "assetAmount"])
@pytest.mark.parametrize(
    "text",
    [
        "1,00",
        "1,0000",
        "1000,104",
        ",100",
        "100,",
        "1,,000",
        "1.000,5",
        "1,000,10",
        "1.5,000",
        "1.000,000",
        "1 000",
        "1'000",
        "1_000",
        "-1",
        "+1",
        "",
        "1e3",
        "NaN",
        "１,000",
        "9" * 33,
        ",".join(["999"] * 12),
    ],
)
def test_amount_that_is_grouped_otherwise_is_refused(name: str, text: str) -> None:
    with pytest.raises(SchemaError, match=rf"^liquidations\[0\]\.{name}: the string is not"):
        parse_liquidations(row_with(name, text))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("serial", 0),
        ("serial", 2**53 - 1),
        ("finishTimestamp", 1_483_228_800),
        ("finishTimestamp", 4_102_444_800),
        ("type", 2**31 - 1),
        ("type", -(2**31 - 1)),
    ],
)
def test_least_and_largest_numbers_are_accepted(name: str, value: int) -> None:
    assert parse_liquidations(row_with(name, value)).finished


@pytest.mark.parametrize("value", [None, 1, 1.5, True, [], {}])
def test_amount_that_is_no_string_is_refused(value: object) -> None:
    with pytest.raises(SchemaError, match=r"^liquidations\[0\]\.debtAmount: a decimal string"):
        parse_liquidations(row_with("debtAmount", value))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("serial", -1),
        ("serial", 2**53),
        ("serial", 1.0),
        ("serial", "7"),
        ("serial", True),
        ("serial", None),
        ("status", "2"),
        ("status", 2.0),
        ("status", 2**31),
        ("status", None),
        ("type", "2"),
        ("type", None),
        ("finishTimestamp", 0),
        ("finishTimestamp", -1),
        ("finishTimestamp", 1_700_000_000_000),
        ("finishTimestamp", 1_483_228_799),
        ("finishTimestamp", 4_102_444_801),
        ("finishTimestamp", 1_700_000_000.0),
        ("finishTimestamp", "1700000000"),
        ("debtCurrency", None),
        ("debtCurrency", ""),
        ("debtCurrency", "U\nSDT"),
        ("assetCurrency", 5),
        ("assetCurrency", "<b>"),
    ],
)
def test_field_of_another_form_is_refused(name: str, value: object) -> None:
    with pytest.raises(SchemaError, match=rf"^liquidations\[0\]\.{name}: "):
        parse_liquidations(row_with(name, value))


@pytest.mark.parametrize(
    "name",
    ["serial", "status", "type", "debtCurrency", "debtAmount", "assetAmount", "finishTimestamp"],
)
def test_field_of_a_finished_one_that_is_missing_is_refused(name: str) -> None:
    with pytest.raises(SchemaError) as caught:
        parse_liquidations(row_without(name))

    assert str(caught.value) == f"liquidations[0].{name}: missing"


@pytest.mark.parametrize("asset", [None, ""])
def test_repayment_has_no_asset(asset: str | None) -> None:
    liquidation = parse_liquidations(answer({**REPAID, "assetCurrency": asset})).finished[7]

    assert (liquidation.asset_currency, liquidation.asset_amount) == (None, None)


@pytest.mark.parametrize("value", [None, "", "∞", 5])
def test_ratio_after_it_is_not_read(value: object) -> None:
    assert 7 in parse_liquidations(row_with("afterAdRatio", value)).finished


@pytest.mark.parametrize("status", [-1, 0, 1, 3, 99])
def test_of_an_unfinished_one_only_serial_and_status_are_needed(status: int) -> None:
    row = {"serial": 8, "status": status, "debtAmount": None, "finishTimestamp": 0}

    assert dict(parse_liquidations(answer(row)).unfinished) == {8: status}


@pytest.mark.parametrize("other", [SOLD, {"serial": 7, "status": 1}])
@pytest.mark.parametrize("first", [SOLD, {"serial": 7, "status": 1}])
def test_serial_that_is_there_twice_is_refused(
    first: dict[str, Any], other: dict[str, Any]
) -> None:
    with pytest.raises(SchemaError) as caught:
        parse_liquidations(answer(first, other))

    assert str(caught.value) == "liquidations[1].serial: is there twice"


@pytest.mark.parametrize("listed", [None, []])
def test_no_liquidations_may_be_null_or_a_list(listed: object) -> None:
    body = json.dumps({"liquidations": listed, "liquidationsAmount": 0}).encode()

    liquidations = parse_liquidations(body)
    assert (dict(liquidations.finished), dict(liquidations.unfinished)) == ({}, {})


def test_count_may_be_larger_than_what_is_listed() -> None:
    assert len(parse_liquidations(answer(SOLD, count=99)).finished) == 1


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"null", "the answer: an object was expected, not null"),
        (b"[]", "the answer: an object was expected, not a list"),
        (b"{}", "liquidationsAmount: missing"),
        (b'{"liquidations": []}', "liquidationsAmount: missing"),
        (b'{"liquidationsAmount": 0}', "liquidations: missing"),
        (
            b'{"liquidations": null, "liquidationsAmount": 1}',
            "liquidations: a list was expected, not null",
        ),
        (
            b'{"liquidations": {}, "liquidationsAmount": 0}',
            "liquidations: a list was expected, not an object",
        ),
        (b'{"liquidations": [1], "liquidationsAmount": 1}', "liquidations[0]: an object"),
        (answer(SOLD, count=0), "liquidationsAmount: less than the liquidations"),
        (answer(SOLD, count="1"), "liquidationsAmount: an integer was expected, not a string"),
        (answer(SOLD, count=True), "liquidationsAmount: an integer was expected, not a boolean"),
        (answer(SOLD, count=-1), "liquidationsAmount: the integer is outside"),
    ],
)
def test_what_is_not_the_documented_answer_is_refused(body: bytes, message: str) -> None:
    with pytest.raises(SchemaError) as caught:
        parse_liquidations(body)

    assert str(caught.value).startswith(message)


@pytest.mark.parametrize("body", [b"", b"<html>", b'{"liquidations": 1, "liquidations": 2}'])
def test_what_is_not_one_json_value_is_refused(body: bytes) -> None:
    with pytest.raises(JSONError):
        parse_liquidations(body)


def test_additional_fields_are_told_by_name() -> None:
    row = {**SOLD, "note": "x"}
    body = json.dumps({"liquidations": [row], "liquidationsAmount": 1, "page": 1}).encode()

    assert parse_liquidations(body).unknown_fields == {"note", "page"}
