"""Whether an answer agrees with itself.

An answer that contradicts itself is exposed as it reads, for the exchange may know better, and
flagged, for one of its numbers must be wrong.
"""

from collections.abc import Mapping
from decimal import Decimal

from exporter.exchange.snapshot import Snapshot

# Totals are given to 8 decimals and the ratio is truncated to two (5.7638 -> 5.76).
_TOTAL_STEP = Decimal("0.00000001")
_RATIO_STEP = Decimal("0.01")


def contradictions(snapshot: Snapshot) -> Mapping[str, bool]:
    """Tell per check whether the answer contradicts itself.

    `ad_ratio`: `adRatio` is not `totalAssetAmount / totalDebtAmount`, beyond truncation.
    `debt`: `totalDebtAmount` is zero although a currency is borrowed, or the other way round.
    `total_amount`: in some currency `totalAmount` is not `availableAmount + tradedAmount`.
    """
    columns = snapshot.balances.columns
    return {
        "ad_ratio": snapshot.ad_ratio is not None and not _ratio_fits(snapshot, snapshot.ad_ratio),
        "debt": (snapshot.total_debt_amount > 0) != _is_anything_borrowed(snapshot),
        "total_amount": any(
            total != available + traded
            for total, available, traded in zip(
                columns.total_amount, columns.available_amount, columns.traded_amount, strict=True
            )
        ),
    }


CHECKS: tuple[str, ...] = ("ad_ratio", "debt", "total_amount")


def _ratio_fits(snapshot: Snapshot, reported: Decimal) -> bool:
    """Compare with every ratio that totals rounded like these may stand for, by multiplication."""
    asset, debt = snapshot.total_asset_amount, snapshot.total_debt_amount
    not_above = reported * (debt - _TOTAL_STEP) <= asset + _TOTAL_STEP
    not_below = asset - _TOTAL_STEP < (reported + _RATIO_STEP) * (debt + _TOTAL_STEP)
    return not_above and not_below


def _is_anything_borrowed(snapshot: Snapshot) -> bool:
    # No amount is below zero.
    columns = snapshot.balances.columns
    return any(columns.borrow_amount) or any(columns.borrow_interest_amount)
