"""The page at `/metrics`: fragments rendered once per state, joined at each scrape.

A fragment is what one state, of an account or of the market, adds to one family. prometheus-client
formats it, and the sample lines of both exposition formats are the same, so one fragment serves
both; only the lines that introduce a family differ. A scrape joins fragments: it formats no
numbers, takes each account's from one state, and leaves out those that have grown stale.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Generic, TypeVar, cast

from prometheus_client import CollectorRegistry, Metric, generate_latest
from prometheus_client.openmetrics.exposition import generate_latest as openmetrics_latest
from prometheus_client.registry import Collector

from exporter.catalogue import FAMILIES
from exporter.family import Family
from exporter.market import MarketState
from exporter.market_catalogue import MARKET_FAMILIES
from exporter.negotiation import Format
from exporter.store import AccountState

# prometheus-client leaves this one without types.
_openmetrics_latest = cast("Callable[[Collector], bytes]", openmetrics_latest)
_END = b"# EOF\n"

S = TypeVar("S")


class _Fragments(Generic[S]):
    """A state's part of the page: per family its bytes, and when they are to disappear."""

    def __init__(
        self, families: Sequence[Family[S]], state: S, earlier: "_Fragments[S] | None"
    ) -> None:
        self.state = state
        self.by_family: tuple[bytes, ...] = tuple(
            earlier.by_family[index]
            if earlier is not None and family.source(earlier.state) is family.source(state)
            else _fragment(family, state)
            for index, family in enumerate(families)
        )
        self.expires_at: tuple[float, ...] = tuple(each.expires_at(state) for each in families)


class Exposition:
    """The present page, from the latest state put for each account and for the market."""

    def __init__(self, process_registry: CollectorRegistry, monotonic: Callable[[], float]) -> None:
        self._process_registry = process_registry
        self._monotonic = monotonic
        self._accounts: dict[str, _Fragments[AccountState]] = {}
        self._market: _Fragments[MarketState] | None = None
        self._headers = {format_: _family_headers(FAMILIES, format_) for format_ in Format}
        self._market_headers = {
            format_: _family_headers(MARKET_FAMILIES, format_) for format_ in Format
        }

    def put(self, state: AccountState) -> None:
        """Render a state, in place of the account's earlier one; what it left as it was is kept."""
        name = state.account.name
        earlier = self._accounts.get(name)
        if earlier is not None and earlier.state.account is not state.account:
            earlier = None
        self._accounts[name] = _Fragments(FAMILIES, state, earlier)

    def keep(self, names: Iterable[str]) -> None:
        """Drop the accounts that are not named, at once."""
        kept = set(names)
        self._accounts = {name: each for name, each in self._accounts.items() if name in kept}

    def put_market(self, market: MarketState) -> None:
        """Render what is known of the market, in place of what was."""
        self._market = _Fragments(MARKET_FAMILIES, market, self._market)

    def page(self, format_: Format) -> bytes:
        """Give the whole page as of now."""
        now = self._monotonic()
        parts = _joined(self._headers[format_], tuple(self._accounts.values()), now)
        market = () if self._market is None else (self._market,)
        parts += _joined(self._market_headers[format_], market, now)
        parts.append(_render(self._process_registry, format_))
        if format_ is Format.OPENMETRICS:
            parts.append(_END)
        return b"".join(parts)


def _joined(headers: Sequence[bytes], states: Sequence[_Fragments[S]], now: float) -> list[bytes]:
    """Give each family's header and what every state adds to it that is not stale."""
    parts: list[bytes] = []
    for index, header in enumerate(headers):
        parts.append(header)
        parts.extend(each.by_family[index] for each in states if now < each.expires_at[index])
    return parts


class _Collected(Collector):
    """Families that exist already, as prometheus-client's formatters want them."""

    def __init__(self, families: Iterable[Metric]) -> None:
        self._families = families

    def collect(self) -> Iterable[Metric]:
        return self._families


def as_metric(family: Family[S], states: Iterable[S]) -> Metric:
    """Give the family with the samples of `states`, as a value of prometheus-client."""
    metric = Metric(family.name.removesuffix("_total"), family.help, family.kind)
    for state in states:
        for values, value in family.read(state):
            labels = dict(zip(family.labels, values, strict=True))
            metric.add_sample(family.name, labels, float(value))
    return metric


def _fragment(family: Family[S], state: S) -> bytes:
    text = generate_latest(_Collected([as_metric(family, [state])]))
    # The two lines that introduce the family; a line end inside a label value is escaped.
    return text.split(b"\n", 2)[2]


def _family_headers(families: Iterable[Family[S]], format_: Format) -> tuple[bytes, ...]:
    return tuple(_render(_Collected([as_metric(family, [])]), format_) for family in families)


def _render(collector: Collector, format_: Format) -> bytes:
    """Format families without OpenMetrics' end mark, so that more may follow."""
    if format_ is Format.OPENMETRICS:
        return _openmetrics_latest(collector).removesuffix(_END)
    return generate_latest(collector)
