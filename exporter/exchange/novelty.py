"""What an answer holds that the API documentation does not name.

The exchange's schema moves without notice, and its safety labels are mostly unknown: whatever is
new is accepted where it can be, and must be noticed once.
"""

from typing import Literal, NamedTuple

from exporter.exchange.borrow_terms import BorrowTerms
from exporter.exchange.liquidations import Liquidations
from exporter.exchange.mark_prices import MarkPrices
from exporter.exchange.snapshot import Snapshot

_KNOWN_LABELS = frozenset({"SAFETY_THRESHOLD"})
_KNOWN_ACCOUNT_STATUSES = frozenset({1})
_KNOWN_CURRENCY_STATUSES = frozenset({0, 1, 2})
_KNOWN_LIQUIDATION_TYPES = frozenset({1, 2})
# A peer that invents names for ever must not fill the memory.
_MAX_REMEMBERED = 1000

NoveltyKind = Literal["currency", "field", "label", "status"]
NOVELTY_KINDS: tuple[NoveltyKind, ...] = ("currency", "field", "label", "status")


class Novelty(NamedTuple):
    """One undocumented currency, field name, label or status; `text` is safe to log."""

    kind: NoveltyKind
    text: str


Learned = Snapshot | MarkPrices | BorrowTerms | Liquidations
"""What an answer of an endpoint becomes."""


def with_novelties(known: frozenset[Novelty], learned: Learned) -> frozenset[Novelty]:
    """Add to `known` what is undocumented in `learned`; gives `known` itself if nothing is new."""
    found = _novelties(learned) - known
    return known | found if found and len(known) < _MAX_REMEMBERED else known


def _novelties(learned: Learned) -> frozenset[Novelty]:
    found = {Novelty("field", name) for name in learned.unknown_fields}
    match learned:
        case Snapshot():
            found |= _of_currencies(learned.odd_currencies)
            found |= _of_snapshot(learned)
        case BorrowTerms(terms=terms):
            found |= _of_currencies(learned.odd_currencies)
            for term in terms.values():
                found |= _of_currency(term.borrow_status, term.transfer_status)
        case Liquidations():
            found |= _of_liquidations(learned)
        case MarkPrices():
            found |= _of_currencies(learned.odd_currencies)
    return frozenset(found)


def _of_currencies(names: frozenset[str]) -> set[Novelty]:
    return {Novelty("currency", name) for name in names}


def _of_snapshot(snapshot: Snapshot) -> set[Novelty]:
    found: set[Novelty] = set()
    if snapshot.ad_ratio_label not in _KNOWN_LABELS and snapshot.ad_ratio_label is not None:
        found.add(Novelty("label", snapshot.ad_ratio_label))
    for name, status in (
        ("accountStatus", snapshot.account_status),
        ("marginStatus", snapshot.margin_status),
    ):
        if status not in _KNOWN_ACCOUNT_STATUSES:
            found.add(Novelty("status", f"{name} {status}"))
    columns = snapshot.balances.columns
    for statuses in {*zip(columns.borrow_status, columns.transfer_status, strict=True)}:
        found |= _of_currency(*statuses)
    return found


def _of_currency(borrow_status: int, transfer_status: int) -> set[Novelty]:
    statuses = (("borrowStatus", borrow_status), ("transferStatus", transfer_status))
    return {
        Novelty("status", f"{name} {status}")
        for name, status in statuses
        if status not in _KNOWN_CURRENCY_STATUSES
    }


def _of_liquidations(liquidations: Liquidations) -> set[Novelty]:
    # Those that are not finished have a status that is not documented.
    found = {
        Novelty("status", f"liquidation status {status}")
        for status in liquidations.unfinished.values()
    } | {
        Novelty("status", f"liquidation type {each.type}")
        for each in liquidations.finished.values()
        if each.type not in _KNOWN_LIQUIDATION_TYPES
    }
    if not liquidations.is_complete:
        # The latest may be among those that are not shown.
        found.add(Novelty("status", "liquidations listed in part"))
    return found
