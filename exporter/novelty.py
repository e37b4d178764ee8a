"""What an answer holds that the API documentation does not name.

The exchange's schema moves without notice, and its safety labels are mostly unknown: whatever is
new is accepted where it can be, and must be noticed once.
"""

from typing import Literal, NamedTuple

from exporter.snapshot import Snapshot

_KNOWN_LABELS = frozenset({"SAFETY_THRESHOLD"})
_KNOWN_ACCOUNT_STATUSES = frozenset({1})
_KNOWN_CURRENCY_STATUSES = frozenset({0, 1, 2})
# A peer that invents names for ever must not fill the memory.
_MAX_REMEMBERED = 1000

NoveltyKind = Literal["field", "label", "status"]
NOVELTY_KINDS: tuple[NoveltyKind, ...] = ("field", "label", "status")


class Novelty(NamedTuple):
    """One undocumented field name, label or status; `text` is safe to log."""

    kind: NoveltyKind
    text: str


def with_novelties(known: frozenset[Novelty], snapshot: Snapshot) -> frozenset[Novelty]:
    """Add to `known` what is undocumented in `snapshot`; gives `known` itself if nothing is new."""
    found = _novelties(snapshot) - known
    return known | found if found and len(known) < _MAX_REMEMBERED else known


def _novelties(snapshot: Snapshot) -> frozenset[Novelty]:
    found = {Novelty("field", name) for name in snapshot.unknown_fields}
    if snapshot.ad_ratio_label not in _KNOWN_LABELS and snapshot.ad_ratio_label is not None:
        found.add(Novelty("label", snapshot.ad_ratio_label))
    for name, status in (
        ("accountStatus", snapshot.account_status),
        ("marginStatus", snapshot.margin_status),
    ):
        if status not in _KNOWN_ACCOUNT_STATUSES:
            found.add(Novelty("status", f"{name} {status}"))
    for balance in snapshot.balances.values():
        for name, status in (
            ("borrowStatus", balance.borrow_status),
            ("transferStatus", balance.transfer_status),
        ):
            if status not in _KNOWN_CURRENCY_STATUSES:
                found.add(Novelty("status", f"{name} {status}"))
    return frozenset(found)
