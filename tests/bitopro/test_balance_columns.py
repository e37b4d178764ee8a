from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.bitopro.balances import Balance, Balances
from tests.metrics.snapshots import BALANCES, currencies

ONE = Balance(Decimal(1), Decimal(2), Decimal(3), Decimal(4), 5, 6, Decimal(7))
TWO = Balance(Decimal(8), Decimal(9), Decimal(10), Decimal(11), 12, 13, Decimal(14))


@given(balances=st.dictionaries(currencies, BALANCES))
def test_any_balances_are_given_back_as_they_were(balances: dict[str, Balance]) -> None:
    given_back = Balances.of(balances)

    assert list(given_back.items()) == list(balances.items())
    assert len(given_back) == len(balances)


def test_column_has_one_field_of_all_currencies_in_their_order() -> None:
    columns = Balances.of({"BTC": ONE, "ADA": TWO}).columns

    assert columns.available_amount == (Decimal(1), Decimal(8))
    assert columns.transfer_status == (6, 13)
    assert columns.total_amount == (Decimal(7), Decimal(14))


def test_account_without_currencies_has_empty_columns() -> None:
    assert Balances.of({}).columns.total_amount == ()


def test_balances_differ_if_any_amount_or_name_does() -> None:
    assert Balances.of({"BTC": ONE}) == Balances.of({"BTC": ONE._replace()})
    assert Balances.of({"BTC": ONE}) != Balances.of({"BTC": TWO})
    assert Balances.of({"BTC": ONE}) != Balances.of({"ETH": ONE})


def test_currency_that_is_not_there_is_named() -> None:
    with pytest.raises(KeyError, match="ETH"):
        Balances.of({"BTC": ONE})["ETH"]
