"""The page at `/metrics`: rendered when states change, joined at each scrape.

The sample lines of both exposition formats are the same, so what is rendered serves both; only the
lines that introduce a family differ. A scrape formats no account's numbers, takes each account's
from one state, and leaves out those that have grown stale.
"""

import asyncio
import math
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import chain, zip_longest
from typing import NamedTuple, TypeVar

from exporter.page.catalogue import FAMILIES
from exporter.page.deflate import Beginning, Run, beginning, pieces, run
from exporter.page.family import Family
from exporter.page.fragments import Group, Joined
from exporter.page.headers import END, header
from exporter.page.market_catalogue import MARKET_FAMILIES
from exporter.page.negotiation import Format
from exporter.page.parts import in_parts
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


@dataclass(slots=True)
class _Page:
    """Sections, and what was made of them for the scrapes that came since: plain and in gzip."""

    sections: _Sections
    plain: Sequence[bytes] | None = None
    compressed: Beginning | None = None


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
        self._pages: dict[Format, _Page] = {}
        # Of the last page, for most of the next one's are the same.
        self._runs: dict[Format, Sequence[Run]] = {}

    def put(self, state: AccountState) -> None:
        """Render a state, in place of the account's earlier one; what it left as it was is kept."""
        name = state.account.name
        if name not in self._group_of:
            self._group_of[name] = self._group_with_room()
        self._group_of[name].put(name, state)
        self._pages = {}

    def keep(self, names: Iterable[str]) -> None:
        """Drop the accounts that are not named, at once."""
        kept = frozenset(names)
        for group in self._groups:
            group.keep(kept)
        self._groups = [each for each in self._groups if len(each) > 0]
        self._group_of = {name: each for name, each in self._group_of.items() if name in kept}
        self._pages = {}

    def put_market(self, market: MarketState) -> None:
        """Render what is known of the market, in place of what was."""
        self._market.put("market", market)
        self._pages = {}

    def page(self, format_: Format) -> bytes:
        """Give the whole page as of now."""
        joined = [self._joined(group) for group in self._groups]
        sections = self._sections_of(format_, joined)
        return b"".join((*_contents(sections), self._end(format_)))

    async def plain(self, format_: Format) -> Sequence[bytes]:
        """Give the page in parts; others may run meanwhile."""
        page = await self._page(format_)
        if page.plain is None:
            page.plain = await _in_slices(in_parts(_contents(page.sections)))
        return (*page.plain, self._end(format_))

    async def compressed(self, format_: Format) -> Sequence[bytes]:
        """Give the page in gzip, in parts; others may run meanwhile."""
        page = await self._page(format_)
        if page.compressed is None:
            if len(self._groups) > 1:
                runs = await _runs(page.sections, self._runs.get(format_, ()))
                page.compressed, self._runs[format_] = beginning(runs), runs
            else:
                # Pieces would make a small page twice as long.
                page.compressed = beginning(pieces([b"".join(_contents(page.sections))]))
        return page.compressed.with_end(self._end(format_))

    def _group_with_room(self) -> Group[AccountState]:
        for group in self._groups:
            if len(group) < _ACCOUNTS_PER_GROUP:
                return group
        self._groups.append(Group(FAMILIES, lambda state: state.account))
        return self._groups[-1]

    def _joined(self, group: Group[S]) -> Joined:
        now = self._monotonic()
        return group.joined(now)

    async def _page(self, format_: Format) -> _Page:
        """Give the one that is kept, as long as it holds."""
        pages = self._pages
        if format_ not in pages or self._monotonic() >= pages[format_].sections.holds_until:
            groups = self._groups
            joined = await _in_slices(self._joined(group) for group in groups)
            if groups is not self._groups:
                # Accounts have gone meanwhile: all of a new configuration is shown, or nothing.
                joined = [self._joined(group) for group in self._groups]
            # If something has changed meanwhile, this is not where the next scrape will look.
            pages[format_] = _Page(self._sections_of(format_, joined))
        return pages[format_]

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


async def _runs(sections: _Sections, earlier: Sequence[Run]) -> Sequence[Run]:
    """Join compressed pieces to families; of `earlier` ones, those that are the same are taken."""
    await _in_slices(each.pieces for each in sections.accounts)
    columns = chain(*(zip(*(each.pieces for each in part), strict=True) for part in sections.parts))
    return await _in_slices(run(*each) for each in zip_longest(columns, earlier))


def _headers(families: Iterable[Family[S]], format_: Format) -> Joined:
    return Joined([header(family, format_) for family in families], math.inf)
