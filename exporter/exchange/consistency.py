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
# Interest is rounded up to 8 decimals, so repaying leaves up to a hundred steps of a currency,
# which are worth less than the last digit of the totals.
_DUST_AMOUNT = Decimal("0.000001")


def contradictions(snapshot: Snapshot) -> Mapping[str, bool]:
    """Tell per check whether the answer contradicts itself.

    `ad_ratio`: `adRatio` is not `totalAssetAmount / totalDebtAmount`, beyond truncation.
    `debt`: `totalDebtAmount` is zero although more than dust of a currency is owed, or it is more
    than its own last digit although nothing is.
    `total_amount`: in some currency `totalAmount` is not `availableAmount + tradedAmount`.
    """
    columns = snapshot.balances.columns
    return {
        "ad_ratio": snapshot.ad_ratio is not None and not _ratio_fits(snapshot, snapshot.ad_ratio),
        "debt": _is_debt_contradicted(snapshot),
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


def _is_debt_contradicted(snapshot: Snapshot) -> bool:
    """Compare the total debt with what is owed per currency, whose prices are not known here."""
    columns = snapshot.balances.columns
    # No amount is below zero.
    largest = max(
        (
            principal + interest
            for principal, interest in zip(
                columns.borrow_amount, columns.borrow_interest_amount, strict=True
            )
        ),
        default=Decimal(0),
    )
    if snapshot.total_debt_amount == 0:
        return largest > _DUST_AMOUNT
    return largest == 0 and snapshot.total_debt_amount > _TOTAL_STEP
