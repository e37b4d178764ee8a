import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.bitopro.balances import Balance, Balances, Snapshot, parse_snapshot
from exporter.errors import JSONError, SchemaError
from tests.bitopro.answers import answer_with, balance_with, documented


def test_documented_example_is_read_to_the_last_digit(documented_answer: bytes) -> None:
    assert parse_snapshot(documented_answer) == Snapshot(
        ad_ratio=Decimal("5.76"),
        ad_ratio_label="SAFETY_THRESHOLD",
        account_id="5411716254",
        account_status=1,
        margin_status=1,
        unit="USDT",
        total_asset_amount=Decimal("748279.60832069"),
        total_debt_amount=Decimal("129823.00462234"),
        balances=Balances.of(
            {
                "BTC": Balance(
                    available_amount=Decimal("9.99990000"),
                    traded_amount=Decimal("0.00000000"),
                    borrow_amount=Decimal("2.00008624"),
                    borrow_interest_amount=Decimal("0.00236786"),
                    borrow_status=1,
                    transfer_status=1,
                    total_amount=Decimal("9.99990000"),
                ),
                "ETH": Balance(
                    available_amount=Decimal("0.00000000"),
                    traded_amount=Decimal("0.00000000"),
                    borrow_amount=Decimal("0.00000000"),
                    borrow_interest_amount=Decimal("0.00000000"),
                    borrow_status=1,
                    transfer_status=1,
                    total_amount=Decimal("0.00000000"),
                ),
                "USDT": Balance(
                    available_amount=Decimal("100041.50010000"),
                    traded_amount=Decimal("0.00000000"),
                    borrow_amount=Decimal("15.00078403"),
                    borrow_interest_amount=Decimal("0.00000000"),
                    borrow_status=1,
                    transfer_status=1,
                    total_amount=Decimal("100041.50010000"),
                ),
            }
        ),
        unknown_fields=frozenset(),
    )


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"{", id="truncated"),
        pytest.param(b"{} {}", id="two values"),
        pytest.param(b"\xef\xbb\xbf{}", id="byte order mark"),
        pytest.param(b'{"a": "\xff"}', id="not UTF-8"),
        pytest.param('{"a": 1}'.encode("utf-16"), id="UTF-16"),
        pytest.param(b'{"a": 1, "a": 1}', id="same key twice"),
        pytest.param(b'{"a": {"b": 1, "b": 2}}', id="same key twice inside"),
        pytest.param(b'{"a": NaN}', id="NaN"),
        pytest.param(b'{"a": -Infinity}', id="infinity"),
        pytest.param(b"[" * 100_000, id="nested too deeply"),
        pytest.param(b'{"a": ' + b"9" * 5000 + b"}", id="integer of 5,000 digits"),
    ],
)
def test_what_is_not_one_unambiguous_json_value_is_refused(body: bytes) -> None:
    with pytest.raises(JSONError):
        parse_snapshot(body)


def test_constant_that_is_no_json_is_named() -> None:
    with pytest.raises(JSONError, match="^NaN is not JSON$"):
        parse_snapshot(b'{"a": NaN}')


@pytest.mark.parametrize("body", [b"null", b"[]", b"{}", b"1", b'"text"', b'{"error": "no"}'])
def test_json_other_than_the_documented_answer_is_refused(body: bytes) -> None:
    with pytest.raises(SchemaError):
        parse_snapshot(body)


def test_answer_wrapped_in_data_is_refused(documented_answer: bytes) -> None:
    with pytest.raises(SchemaError, match="^totalDebtAmount: missing$"):
        parse_snapshot(b'{"data": ' + documented_answer + b"}")


ACCOUNT_FIELDS = [
    "adRatio",
    "adRatioLabel",
    "accountID",
    "accountStatus",
    "marginStatus",
    "balances",
    "calculateUnit",
    "totalAssetAmount",
    "totalDebtAmount",
]
BALANCE_FIELDS = [
    "availableAmount",
    "tradedAmount",
    "borrowAmount",
    "borrowInterestAmount",
    "borrowStatus",
    "transferStatus",
    "totalAmount",
]
AMOUNTS = [name for name in BALANCE_FIELDS if name.endswith("Amount")]
STATUSES = [name for name in BALANCE_FIELDS if name.endswith("Status")]


@pytest.mark.parametrize("name", ACCOUNT_FIELDS)
def test_missing_account_field_is_refused_by_name(name: str) -> None:
    document = documented()
    del document[name]

    with pytest.raises(SchemaError, match=f"^{name}: missing$"):
        parse_snapshot(json.dumps(document).encode())


@pytest.mark.parametrize("name", BALANCE_FIELDS)
def test_missing_balance_field_is_refused_by_path(name: str) -> None:
    document = documented()
    del document["balances"]["BTC"][name]

    with pytest.raises(SchemaError, match=rf"^balances\.BTC\.{name}: missing$"):
        parse_snapshot(json.dumps(document).encode())


@pytest.mark.parametrize("value", [None, True, 1, 1.5, [], {}], ids=repr)
@pytest.mark.parametrize("name", ["adRatio", "totalAssetAmount", "totalDebtAmount"])
def test_account_amount_that_is_not_a_string_is_refused(name: str, value: object) -> None:
    with pytest.raises(SchemaError, match=f"^{name}: a decimal string was expected, not "):
        parse_snapshot(answer_with(name, value))


@pytest.mark.parametrize("value", [None, True, 1, 1.5, [], {}], ids=repr)
@pytest.mark.parametrize("name", AMOUNTS)
def test_balance_amount_that_is_not_a_string_is_refused(name: str, value: object) -> None:
    with pytest.raises(SchemaError, match=rf"^balances\.BTC\.{name}: a decimal string was exp"):
        parse_snapshot(balance_with(name, value))


@pytest.mark.parametrize("value", [None, True, 1, 1.5, [], {}], ids=repr)
@pytest.mark.parametrize("name", ["adRatioLabel", "accountID", "calculateUnit"])
def test_text_that_is_not_a_string_is_refused(name: str, value: object) -> None:
    with pytest.raises(SchemaError, match=f"^{name}: a string was expected, not "):
        parse_snapshot(answer_with(name, value))


@pytest.mark.parametrize("value", [None, True, "1", 1.0, [], {}], ids=repr)
@pytest.mark.parametrize("name", ["accountStatus", "marginStatus"])
def test_account_status_that_is_not_an_integer_is_refused(name: str, value: object) -> None:
    with pytest.raises(SchemaError, match=f"^{name}: an integer was expected, not "):
        parse_snapshot(answer_with(name, value))


@pytest.mark.parametrize("value", [None, True, "1", 1.0, [], {}], ids=repr)
@pytest.mark.parametrize("name", STATUSES)
def test_currency_status_that_is_not_an_integer_is_refused(name: str, value: object) -> None:
    with pytest.raises(SchemaError, match=rf"^balances\.BTC\.{name}: an integer was expected"):
        parse_snapshot(balance_with(name, value))


def test_status_of_more_than_32_bits_is_refused() -> None:
    with pytest.raises(SchemaError, match="^accountStatus: the integer is too large"):
        parse_snapshot(answer_with("accountStatus", 2**31))


MALFORMED_NUMBERS = [
    "NaN",
    "nan",
    "Infinity",
    "-inf",
    "1e400",
    "1e3",
    "1_10",
    "1,10",
    "",
    " 1.1 ",
    "1.1\n",
    "0x1",
    "+1",
    "-1",
    "-0.00000000",
    ".5",
    "5.",
    "1.2.3",
    "١٢",
    "１２",
    "9" * 400,
    "0." + "9" * 400,
    "true",
]


@pytest.mark.parametrize("text", MALFORMED_NUMBERS, ids=ascii)
def test_text_that_is_no_plain_decimal_is_refused(text: str) -> None:
    with pytest.raises(SchemaError, match=r"^balances\.BTC\.totalAmount: the string is not a pl"):
        parse_snapshot(balance_with("totalAmount", text))


@given(st.text())
def test_any_text_as_a_number_is_exactly_that_decimal_or_refused(text: str) -> None:
    answer = balance_with("totalAmount", text)

    try:
        amount = parse_snapshot(answer).balances["BTC"].total_amount
    except SchemaError:
        return
    assert str(amount) == str(Decimal(text))


@given(st.from_regex(r"[0-9]{1,32}(\.[0-9]{1,32})?", fullmatch=True).filter(str.isascii))
def test_any_plain_decimal_is_read_to_the_last_digit(text: str) -> None:
    snapshot = parse_snapshot(balance_with("totalAmount", text))

    assert f"{snapshot.balances['BTC'].total_amount:f}" == f"{Decimal(text):f}"


@pytest.mark.parametrize("value", [None, [], "", 0], ids=repr)
def test_balances_that_are_not_an_object_are_refused(value: object) -> None:
    with pytest.raises(SchemaError, match="^balances: an object was expected"):
        parse_snapshot(answer_with("balances", value))


def test_balance_that_is_not_an_object_is_refused() -> None:
    with pytest.raises(SchemaError, match=r"^balances\.BTC: an object was expected, not a list$"):
        parse_snapshot(answer_with("balances", {"BTC": []}))


ODD_NAMES = {
    "": "''",
    'B"C': "'B'C'",
    "B\nC": r"'B\nC'",
    "<b>": "'<b>'",
    "B C": "'B C'",
    "x" * 5000: f"'{'x' * 63}...'",
    # Of 62 characters and two quotes, 64 in all, and one more.
    " " * 62: f"'{' ' * 62}'",
    " " * 63: f"'{' ' * 63}...'",
    "ВТС": r"'\u0412\u0422\u0421'",
    "B\\C": r"'B\\C'",
    "币安人生": r"'\u5e01\u5b89\u4eba\u751f'",
    "USD₮": r"'USD\u20ae'",
    "$WIF": "'$WIF'",
}


@pytest.mark.parametrize(("name", "shown"), ODD_NAMES.items())
def test_odd_currency_that_has_amounts_is_refused_by_its_escaped_name(
    name: str, shown: str
) -> None:
    balances = {name: documented()["balances"]["BTC"]}

    with pytest.raises(SchemaError) as caught:
        parse_snapshot(answer_with("balances", balances))

    assert str(caught.value) == (
        f"balances: the currency {shown} has amounts, and its name is not a plain code"
    )


@pytest.mark.parametrize(("name", "shown"), ODD_NAMES.items())
def test_odd_currency_without_amounts_is_set_aside(name: str, shown: str) -> None:
    document = documented()
    empty = {
        key: "0.00000000" if isinstance(value, str) else value
        for key, value in document["balances"]["BTC"].items()
    }

    snapshot = parse_snapshot(answer_with("balances", {**document["balances"], name: empty}))

    assert snapshot.odd_currencies == {shown}
    assert list(snapshot.balances) == ["BTC", "ETH", "USDT"]


def test_amounts_of_one_of_two_long_names_that_begin_alike_are_not_overlooked() -> None:
    amounts = documented()["balances"]["BTC"]
    empty = {
        key: "0.00000000" if isinstance(value, str) else value for key, value in amounts.items()
    }

    for first, second in ((amounts, empty), (empty, amounts)):
        balances = {f"{'x' * 100}1": first, f"{'x' * 100}2": second}
        with pytest.raises(SchemaError, match="has amounts"):
            parse_snapshot(answer_with("balances", balances))


def test_odd_currency_that_cannot_be_read_is_refused() -> None:
    with pytest.raises(SchemaError, match=r"^balances\.'\$WIF'\.availableAmount: missing$"):
        parse_snapshot(answer_with("balances", {"$WIF": {}}))


def test_currencies_are_upper_case_and_sorted() -> None:
    balance = documented()["balances"]["BTC"]

    snapshot = parse_snapshot(answer_with("balances", {"btc": balance, "ETH": balance}))

    assert list(snapshot.balances) == ["BTC", "ETH"]


def test_currency_twice_in_different_case_is_refused() -> None:
    balance = documented()["balances"]["BTC"]

    with pytest.raises(SchemaError, match="^balances: BTC is there twice"):
        parse_snapshot(answer_with("balances", {"btc": balance, "BTC": balance}))


def test_five_hundred_currencies_are_accepted() -> None:
    balances = {f"C{number}": documented()["balances"]["BTC"] for number in range(500)}

    assert len(parse_snapshot(answer_with("balances", balances)).balances) == 500


def test_more_than_five_hundred_currencies_are_refused() -> None:
    balances = {f"C{number}": documented()["balances"]["BTC"] for number in range(501)}

    with pytest.raises(SchemaError, match="^balances: 501 currencies, at most 500 fit$"):
        parse_snapshot(answer_with("balances", balances))


def test_account_without_currencies_is_accepted() -> None:
    assert parse_snapshot(answer_with("balances", {})).balances == Balances.of({})


@pytest.mark.parametrize("ratio", [None, "", "0", "999", "0.00"], ids=repr)
def test_without_debt_there_is_no_ratio_whatever_is_reported(ratio: object) -> None:
    answer = answer_with("totalDebtAmount", "0.00000000", adRatio=ratio)

    assert parse_snapshot(answer).ad_ratio is None


@pytest.mark.parametrize("ratio", ["NaN", "inf", 0, [], "-1"], ids=repr)
def test_without_debt_a_malformed_ratio_is_still_refused(ratio: object) -> None:
    with pytest.raises(SchemaError, match="^adRatio: "):
        parse_snapshot(answer_with("totalDebtAmount", "0", adRatio=ratio))


@pytest.mark.parametrize("label", [None, ""], ids=repr)
def test_without_debt_the_label_may_be_missing_too(label: object) -> None:
    answer = answer_with("totalDebtAmount", "0", adRatioLabel=label)

    assert parse_snapshot(answer).ad_ratio_label is None


@pytest.mark.parametrize("label", ["LIQUIDATION_WARNING", "Margin Call", "level-3"])
def test_label_never_seen_before_is_accepted(label: str) -> None:
    assert parse_snapshot(answer_with("adRatioLabel", label)).ad_ratio_label == label


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("adRatioLabel", 'a"b'),
        ("adRatioLabel", "a\nb"),
        ("adRatioLabel", "<script>"),
        ("adRatioLabel", "x" * 65),
        ("adRatioLabel", ""),
        ("accountID", ""),
        ("accountID", '5"'),
        ("calculateUnit", "US DT"),
        ("calculateUnit", "<b>"),
    ],
)
def test_text_outside_its_allow_list_is_refused(name: str, value: str) -> None:
    with pytest.raises(SchemaError, match=f"^{name}: the string holds characters or a length"):
        parse_snapshot(answer_with(name, value))


@pytest.mark.parametrize("status", [0, 2, 9, -1])
def test_status_never_seen_before_is_accepted_as_it_is(status: int) -> None:
    assert parse_snapshot(answer_with("accountStatus", status)).account_status == status


def test_additional_fields_are_tolerated_and_named() -> None:
    document: dict[str, Any] = documented()
    document["riskLevel"] = {"any": ["thing"]}
    document["balances"]["BTC"]["frozenAmount"] = "1"
    document["odd name\n"] = 1

    snapshot = parse_snapshot(json.dumps(document).encode())

    assert snapshot.unknown_fields == {"riskLevel", "frozenAmount", "?"}


def test_messages_do_not_hold_what_was_received() -> None:
    with pytest.raises(SchemaError) as caught:
        parse_snapshot(balance_with("totalAmount", "12345678x"))

    assert "12345678" not in str(caught.value)


@given(st.data())
def test_any_strict_prefix_of_a_good_answer_is_refused(data: st.DataObject) -> None:
    body = json.dumps(documented()).encode()
    length = data.draw(st.integers(0, len(body) - 1))

    with pytest.raises(JSONError):
        parse_snapshot(body[:length])
