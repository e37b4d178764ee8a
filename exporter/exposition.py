"""The page at `/metrics`: fragments rendered once per state, joined at each scrape.

A fragment is what one account adds to one family. prometheus-client formats it, and the sample
lines of both exposition formats are the same, so one fragment serves both; only the lines that
introduce a family differ. A scrape joins fragments: it formats no account's numbers, takes each
account's from one state, and leaves out those of a snapshot that has grown stale.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import cast

from prometheus_client import CollectorRegistry, Metric, generate_latest
from prometheus_client.openmetrics.exposition import generate_latest as openmetrics_latest
from prometheus_client.registry import Collector

from exporter.catalogue import FAMILIES, Family
from exporter.negotiation import Format
from exporter.store import AccountState

# prometheus-client leaves this one without types.
_openmetrics_latest = cast("Callable[[Collector], bytes]", openmetrics_latest)
_END = b"# EOF\n"


@dataclass(frozen=True, slots=True)
class _Fragments:
    """One account's part of the page, a fragment per row of the catalogue."""

    by_family: tuple[bytes, ...]
    expires_at_monotonic_seconds: float


class Exposition:
    """The present page, from the latest state put for each account."""

    def __init__(self, process_registry: CollectorRegistry, monotonic: Callable[[], float]) -> None:
        self._process_registry = process_registry
        self._monotonic = monotonic
        self._accounts: dict[str, _Fragments] = {}
        self._headers = {format_: _family_headers(format_) for format_ in Format}

    def put(self, state: AccountState) -> None:
        """Render a state, in place of the account's earlier one."""
        self._accounts[state.account.name] = _Fragments(
            by_family=tuple(_fragment(family, state) for family in FAMILIES),
            expires_at_monotonic_seconds=state.expires_at_monotonic_seconds,
        )

    def page(self, format_: Format) -> bytes:
        """Give the whole page as of now."""
        now = self._monotonic()
        accounts = tuple(self._accounts.values())
        fresh = tuple(each for each in accounts if now < each.expires_at_monotonic_seconds)
        parts: list[bytes] = []
        for index, (family, header) in enumerate(
            zip(FAMILIES, self._headers[format_], strict=True)
        ):
            shown = fresh if family.is_of_snapshot else accounts
            parts.append(header)
            parts.extend(each.by_family[index] for each in shown)
        parts.append(_render(self._process_registry, format_))
        if format_ is Format.OPENMETRICS:
            parts.append(_END)
        return b"".join(parts)


class _Collected(Collector):
    """Families that exist already, as prometheus-client's formatters want them."""

    def __init__(self, families: Iterable[Metric]) -> None:
        self._families = families

    def collect(self) -> Iterable[Metric]:
        return self._families


def as_metric(family: Family, states: Iterable[AccountState]) -> Metric:
    """Give the family with the samples of `states`, as a value of prometheus-client."""
    metric = Metric(family.name.removesuffix("_total"), family.help, family.kind)
    for state in states:
        for values, value in family.read(state):
            labels = dict(zip(family.labels, (state.account.name, *values), strict=True))
            metric.add_sample(family.name, labels, float(value))
    return metric


def _fragment(family: Family, state: AccountState) -> bytes:
    text = generate_latest(_Collected([as_metric(family, [state])]))
    # The two lines that introduce the family; a line end inside a label value is escaped.
    return text.split(b"\n", 2)[2]


def _family_headers(format_: Format) -> tuple[bytes, ...]:
    return tuple(_render(_Collected([as_metric(family, [])]), format_) for family in FAMILIES)


def _render(collector: Collector, format_: Format) -> bytes:
    """Format families without OpenMetrics' end mark, so that more may follow."""
    if format_ is Format.OPENMETRICS:
        return _openmetrics_latest(collector).removesuffix(_END)
    return generate_latest(collector)
