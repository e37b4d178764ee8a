"""Whether an answer agrees with itself, and what it holds that the documentation does not name.

An answer that contradicts itself is exposed as it reads, because the exchange may know better, and
flagged, because one of its numbers must be wrong. The exchange's schema moves without notice, and
its safety labels are mostly unknown: what is new is accepted where it can be, and noticed once.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Literal, NamedTuple

from exporter.bitopro.balances import Snapshot
from exporter.bitopro.liquidations import Liquidations
from exporter.bitopro.market import BorrowTerms, MarkPrices

# Totals are given to 8 decimals and the ratio is truncated to two (5.7638 -> 5.76).
_TOTAL_STEP = Decimal("0.00000001")
_RATIO_STEP = Decimal("0.01")
# Interest is rounded up to 8 decimals, so repaying leaves up to a hundred steps of a currency,
# which are worth less than the last digit of the totals.
_DUST_AMOUNT = Decimal("0.000001")


def contradictions(snapshot: Snapshot) -> Mapping[str, bool]:
    """Return per check whether the answer contradicts itself.

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


# Of the labels the one that is documented.
SAFE_LABELS = frozenset({"SAFETY_THRESHOLD"})
_KNOWN_ACCOUNT_STATUSES = frozenset({1})
_KNOWN_CURRENCY_STATUSES = frozenset({0, 1, 2})
_KNOWN_LIQUIDATION_TYPES = frozenset({1, 2})
# A peer that invents names for ever must not fill the memory.
_MAX_REMEMBERED = 1000

NoveltyKind = Literal["currency", "field", "label", "status"]
UNDOCUMENTED_KINDS: tuple[NoveltyKind, ...] = ("currency", "field", "label", "status")


class Undocumented(NamedTuple):
    """One undocumented currency, field name, label or status; `text` is safe to log."""

    kind: NoveltyKind
    text: str


ParsedResponse = Snapshot | MarkPrices | BorrowTerms | Liquidations
"""What an answer of an endpoint becomes."""


def with_undocumented(
    known: frozenset[Undocumented], response: ParsedResponse
) -> frozenset[Undocumented]:
    """Add to `known` what is undocumented in `response`; the same set if nothing is new."""
    found = _undocumented(response) - known
    return known | found if found and len(known) < _MAX_REMEMBERED else known


def _undocumented(response: ParsedResponse) -> frozenset[Undocumented]:
    found = {Undocumented("field", name) for name in response.unknown_fields}
    match response:
        case Snapshot():
            found |= _of_currencies(response.odd_currencies)
            found |= _of_snapshot(response)
        case BorrowTerms(terms=terms):
            found |= _of_currencies(response.odd_currencies)
            for term in terms.values():
                found |= _of_currency(term.borrow_status, term.transfer_status)
        case Liquidations():
            found |= _of_liquidations(response)
        case MarkPrices():
            found |= _of_currencies(response.odd_currencies)
    return frozenset(found)


def _of_currencies(names: frozenset[str]) -> set[Undocumented]:
    return {Undocumented("currency", name) for name in names}


def _of_snapshot(snapshot: Snapshot) -> set[Undocumented]:
    found: set[Undocumented] = set()
    if snapshot.ad_ratio_label not in SAFE_LABELS and snapshot.ad_ratio_label is not None:
        found.add(Undocumented("label", snapshot.ad_ratio_label))
    for name, status in (
        ("accountStatus", snapshot.account_status),
        ("marginStatus", snapshot.margin_status),
    ):
        if status not in _KNOWN_ACCOUNT_STATUSES:
            found.add(Undocumented("status", f"{name} {status}"))
    columns = snapshot.balances.columns
    for statuses in {*zip(columns.borrow_status, columns.transfer_status, strict=True)}:
        found |= _of_currency(*statuses)
    return found


def _of_currency(borrow_status: int, transfer_status: int) -> set[Undocumented]:
    statuses = (("borrowStatus", borrow_status), ("transferStatus", transfer_status))
    return {
        Undocumented("status", f"{name} {status}")
        for name, status in statuses
        if status not in _KNOWN_CURRENCY_STATUSES
    }


def _of_liquidations(liquidations: Liquidations) -> set[Undocumented]:
    # Those that are not finished have a status that is not documented.
    found = {
        Undocumented("status", f"liquidation status {status}")
        for status in liquidations.unfinished.values()
    } | {
        Undocumented("status", f"liquidation type {each.type}")
        for each in liquidations.finished.values()
        if each.type not in _KNOWN_LIQUIDATION_TYPES
    }
    if not liquidations.is_complete:
        # The latest may be among those that are not shown.
        found.add(Undocumented("status", "liquidations listed in part"))
    return found
