"""An answer with any one byte changed: refused, or shown as it reads and flagged where it shows."""

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from exporter.bitopro.balances import Balance, Snapshot, parse_snapshot
from exporter.bitopro.consistency import contradictions
from exporter.errors import PollError
from tests.conftest import FIXTURES

BODY = (FIXTURES / "margin_balances.json").read_bytes()
BALANCE_AMOUNTS = {
    "availableAmount": "available_amount",
    "tradedAmount": "traded_amount",
    "borrowAmount": "borrow_amount",
    "borrowInterestAmount": "borrow_interest_amount",
    "totalAmount": "total_amount",
}


def read_naively(balance: Mapping[str, Any]) -> Balance:
    amounts = {ours: Decimal(balance[theirs]) for theirs, ours in BALANCE_AMOUNTS.items()}
    return Balance(
        **amounts,
        borrow_status=balance["borrowStatus"],
        transfer_status=balance["transferStatus"],
    )


def ratio_is_off(snapshot: Snapshot) -> bool:
    """Return whether the reported ratio is further from the totals' than truncation can take it."""
    assert snapshot.ad_ratio is not None
    exact = snapshot.total_asset_amount / snapshot.total_debt_amount
    return not Decimal("-0.000001") < exact - snapshot.ad_ratio < Decimal("0.010001")


@settings(max_examples=1500)
@given(position=st.integers(0, len(BODY) - 1), byte=st.integers(0, 255))
@example(position=BODY.index(b'"ETH"') + 1, byte=ord(":"))
@example(position=BODY.index(b'"BTC"') + 1, byte=ord(":"))
def test_any_one_byte_changed_is_refused_or_shown_as_it_reads(position: int, byte: int) -> None:
    body = BODY[:position] + bytes([byte]) + BODY[position + 1 :]

    try:
        snapshot = parse_snapshot(body)
    except PollError:
        return

    document = json.loads(body)
    assert snapshot.total_asset_amount == Decimal(document["totalAssetAmount"])
    assert snapshot.total_debt_amount == Decimal(document["totalDebtAmount"])
    assert snapshot.ad_ratio == Decimal(document["adRatio"])
    balances = {
        currency.upper(): read_naively(balance)
        for currency, balance in document["balances"].items()
    }
    # A currency whose name became no plain code is set aside, and counted, if it is empty.
    aside = balances.keys() - snapshot.balances.keys()
    assert dict(snapshot.balances) == {
        currency: balance for currency, balance in balances.items() if currency not in aside
    }
    assert len(snapshot.odd_currencies) == len(aside)
    assert {amount for name in aside for amount in balances[name] if type(amount) is Decimal} <= {0}
    assert contradictions(snapshot)["ad_ratio"] == ratio_is_off(snapshot)
