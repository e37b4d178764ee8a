"""The page at `/metrics`: rendered when states change, joined at each scrape.

The sample lines of both exposition formats are the same, so what is rendered serves both; only the
lines that introduce a family differ. A scrape formats no account's numbers, takes each account's
from one state, and leaves out those that have grown stale.
"""

import asyncio
import math
import time
from collections.abc import Callable, Iterable, Sequence
from itertools import chain, zip_longest
from typing import NamedTuple, TypeVar

from exporter.page.catalogue import FAMILIES
from exporter.page.deflate import Beginning, Run, beginning, pieces, run
from exporter.page.family import Family
from exporter.page.fragments import Group, Joined
from exporter.page.headers import END, header
from exporter.page.market_catalogue import MARKET_FAMILIES
from exporter.page.negotiation import Format
from exporter.page.telemetry import Telemetry
from exporter.page.telemetry_catalogue import TELEMETRY_FAMILIES
from exporter.state.market import MarketState
from exporter.state.store import AccountState

# With more of them, a change of one costs more to compress; with fewer, there is more to join.
_ACCOUNTS_PER_GROUP = 20
# After so long, others may run.
_SLICE_SECONDS = 0.001

S = TypeVar("S")
T = TypeVar("T")


class _Sections(NamedTuple):
    """A page but for its end: lines that introduce families, and what groups add to each."""

    accounts: tuple[Joined, ...]
    market: tuple[Joined, ...]
    holds_until: float

    @property
    def parts(self) -> tuple[tuple[Joined, ...], ...]:
        """What is joined, in its order."""
        return self.accounts, self.market


class _Compressed(NamedTuple):
    """Sections as a member of gzip begins with them, and the runs of each family."""

    sections: _Sections
    families: Sequence[Run]
    beginning: Beginning


class Exposition:
    """The present page, from the latest state put for each account and for the market.

    `telemetry` is asked at each scrape; without it there are no families of the exporter itself.
    """

    def __init__(
        self, monotonic: Callable[[], float], telemetry: Callable[[], Telemetry] | None = None
    ) -> None:
        self._monotonic = monotonic
        self._telemetry = telemetry
        self._own = Group(TELEMETRY_FAMILIES, lambda _: None)
        self._groups: list[Group[AccountState]] = []
        self._group_of: dict[str, Group[AccountState]] = {}
        self._market = Group(MARKET_FAMILIES, lambda _: None)
        self._headers = {format_: _headers(FAMILIES, format_) for format_ in Format}
        self._market_headers = {format_: _headers(MARKET_FAMILIES, format_) for format_ in Format}
        self._own_headers = {format_: _headers(TELEMETRY_FAMILIES, format_) for format_ in Format}
        # Since the last change.
        self._kept: dict[Format, _Sections] = {}
        self._compressed: dict[Format, _Compressed] = {}

    def put(self, state: AccountState) -> None:
        """Render a state, in place of the account's earlier one; what it left as it was is kept."""
        name = state.account.name
        if name not in self._group_of:
            self._group_of[name] = self._group_with_room()
        self._group_of[name].put(name, state)
        self._kept = {}

    def keep(self, names: Iterable[str]) -> None:
        """Drop the accounts that are not named, at once."""
        kept = frozenset(names)
        for group in self._groups:
            group.keep(kept)
        self._groups = [each for each in self._groups if len(each) > 0]
        self._group_of = {name: each for name, each in self._group_of.items() if name in kept}
        self._kept = {}

    def put_market(self, market: MarketState) -> None:
        """Render what is known of the market, in place of what was."""
        self._market.put("market", market)
        self._kept = {}

    def page(self, format_: Format) -> bytes:
        """Give the whole page as of now."""
        joined = [self._joined(group) for group in self._groups]
        sections = self._sections_of(format_, joined)
        return b"".join((*_contents(sections), self._end(format_)))

    async def plain(self, format_: Format) -> Sequence[bytes]:
        """Give the page in parts; others may run meanwhile."""
        return (*_contents(await self._sections(format_)), self._end(format_))

    async def compressed(self, format_: Format) -> Sequence[bytes]:
        """Give the page in gzip, in parts; others may run meanwhile."""
        sections = await self._sections(format_)
        kept = self._compressed.get(format_)
        if kept is None or kept.sections is not sections:
            if len(self._groups) > 1:
                await _in_slices(each.pieces for each in sections.accounts)
                kept = await _compressed(sections, kept.families if kept else ())
            else:
                kept = _compressed_at_once(sections)
            self._compressed[format_] = kept
        return kept.beginning.with_end(self._end(format_))

    def _group_with_room(self) -> Group[AccountState]:
        for group in self._groups:
            if len(group) < _ACCOUNTS_PER_GROUP:
                return group
        self._groups.append(Group(FAMILIES, lambda state: state.account))
        return self._groups[-1]

    def _joined(self, group: Group[S]) -> Joined:
        now = self._monotonic()
        return group.joined(now)

    async def _sections(self, format_: Format) -> _Sections:
        """Give those that are kept, as long as they hold."""
        kept = self._kept
        if format_ not in kept or self._monotonic() >= kept[format_].holds_until:
            joined = await _in_slices(self._joined(group) for group in self._groups)
            # If something has changed meanwhile, this is not where the next scrape will look.
            kept[format_] = self._sections_of(format_, joined)
        return kept[format_]

    def _sections_of(self, format_: Format, joined: Sequence[Joined]) -> _Sections:
        market = self._joined(self._market)
        return _Sections(
            (self._headers[format_], *joined),
            (self._market_headers[format_], market),
            min(each.holds_until for each in (*joined, market)),
        )

    def _end(self, format_: Format) -> bytes:
        parts: list[bytes] = []
        if self._telemetry is not None:
            self._own.put("exporter", self._telemetry())
            columns = self._own_headers[format_], self._joined(self._own)
            parts += _in_order(each.by_family for each in columns)
        if format_ is Format.OPENMETRICS:
            parts.append(END)
        return b"".join(parts)


async def _in_slices(work: Iterable[T]) -> list[T]:
    """Do the work, and let others run whenever it has taken a while."""
    done: list[T] = []
    started = time.perf_counter()
    for each in work:
        done.append(each)
        if time.perf_counter() - started > _SLICE_SECONDS:
            await asyncio.sleep(0)
            started = time.perf_counter()
    return done


def _contents(sections: _Sections) -> Iterable[bytes]:
    return chain(*(_in_order(each.by_family for each in part) for part in sections.parts))


def _in_order(columns: Iterable[Sequence[T]]) -> Iterable[T]:
    """Give family by family what the columns have of it."""
    return chain.from_iterable(zip(*columns, strict=True))


async def _compressed(sections: _Sections, earlier: Sequence[Run]) -> _Compressed:
    """Join compressed pieces; of `earlier` families, those that are the same are taken."""
    columns = chain(*(zip(*(each.pieces for each in part), strict=True) for part in sections.parts))
    families = await _in_slices(run(*each) for each in zip_longest(columns, earlier))
    return _Compressed(sections, families, beginning(families))


def _compressed_at_once(sections: _Sections) -> _Compressed:
    """Compress what is not worth being kept in pieces, which make a small page twice as long."""
    return _Compressed(sections, (), beginning(pieces([b"".join(_contents(sections))])))


def _headers(families: Iterable[Family[S]], format_: Format) -> Joined:
    return Joined([header(family, format_) for family in families], math.inf)
