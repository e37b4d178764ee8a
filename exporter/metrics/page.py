"""The page at `/metrics`: lines are rendered when a state changes, and joined once per change.

The sample lines of both exposition formats are the same; only the lines that introduce a family
differ. The body is joined, and compressed, from one snapshot of all accounts, and kept until
something changes or grows stale. What changes at every scrape is appended to it: for gzip, by a
copy of the compressor that has just written the body.
"""

import asyncio
import math
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import chain, repeat
from typing import Generic, NamedTuple, TypeVar

from exporter.metrics.account import FAMILIES
from exporter.metrics.exporter import ExporterMetrics
from exporter.metrics.families import Family
from exporter.metrics.market import MARKET_FAMILIES
from exporter.metrics.negotiation import Format
from exporter.metrics.text import END, family_lines, header, owner_text
from exporter.state import AccountState, MarketState

# A page is sent in such parts, so that a slow reader holds little memory.
_PART_BYTES = 1 << 16
# What is longer takes more than a millisecond to compress, and is left to a thread.
_INLINE_BYTES = 1 << 17
# Where one account after another expires, a page must be finished nevertheless: what will expire in
# so many seconds is left out when that has failed twice.
_AHEAD_SECONDS = (0.1, 0.5, 2.0, 5.0)
_LEVEL = 1
_GZIP = zlib.MAX_WBITS | 16

S = TypeVar("S")


class _Rendered(NamedTuple):
    """A state's lines by family, and when they expire, by distinct function that says so."""

    lines: tuple[bytes, ...]
    expires_at: tuple[float, ...]


class _Table(Generic[S]):
    """Families of one kind of state: how states are rendered, and joined family by family."""

    def __init__(self, families: Sequence[Family[S]]) -> None:
        self._families = families
        self._expiries = tuple(dict.fromkeys(family.expires_at for family in families))
        self._columns = [self._expiries.index(family.expires_at) for family in families]
        self._headers = {
            format_: [header(family, format_) for family in families] for format_ in Format
        }

    def render(self, state: S) -> _Rendered:
        owner = owner_text(self._families[0], state)
        return _Rendered(
            tuple([family_lines(family, state, owner) for family in self._families]),
            tuple([expires_at(state) for expires_at in self._expiries]),
        )

    def join(self, states: Sequence[_Rendered], format_: Format, now: float) -> Iterator[bytes]:
        """Yield each family, with the lines of the states that have not expired by then."""
        shown = [
            [each.lines for each in states if now < each.expires_at[column]]
            for column in range(len(self._expiries))
        ]
        for index, column in enumerate(self._columns):
            lines = [each[index] for each in shown[column]]
            yield b"".join((self._headers[format_][index], *lines))


@dataclass(frozen=True, slots=True)
class _Snapshot:
    """What a page is made of, at one moment.

    `number` counts snapshots, and `change` the changes that came before this one.
    """

    number: int
    change: int
    now: float
    format: Format
    accounts: tuple[_Rendered, ...]
    market: tuple[_Rendered, ...]

    def holds_until(self) -> float:
        expiries = {time for each in (*self.accounts, *self.market) for time in each.expires_at}
        return min((time for time in expiries if self.now < time), default=math.inf)


@dataclass(frozen=True, slots=True)
class _Body:
    """A page without its end; `compressor` is what has written it, unless it is plain."""

    snapshot: _Snapshot
    holds_until: float
    parts: Sequence[bytes]
    compressor: "zlib._Compress | None"

    def with_end(self, end: bytes) -> Sequence[bytes]:
        if self.compressor is None:
            return (*self.parts, end)
        compressor = self.compressor.copy()
        return (*self.parts, compressor.compress(end) + compressor.flush())


class Exposition:
    """The present page, from the latest state put for each account and for the market.

    `exporter` is asked at each scrape; without it there are no families of the exporter itself.
    """

    def __init__(
        self, monotonic: Callable[[], float], exporter: ExporterMetrics | None = None
    ) -> None:
        self._monotonic = monotonic
        self._exporter = exporter
        self._account_table = _Table(FAMILIES)
        self._market_table = _Table(MARKET_FAMILIES)
        self._accounts: dict[str, _Rendered] = {}
        self._market: tuple[_Rendered, ...] = ()
        self._changes = 0
        self._snapshots = 0
        self._bodies: dict[tuple[Format, bool], _Body] = {}
        self._locks = {
            (format_, is_gzip): asyncio.Lock() for format_ in Format for is_gzip in (False, True)
        }
        # Of our own: those of the loop may all be waiting for a resolver.
        self._threads = ThreadPoolExecutor(1, "page")

    def put(self, state: AccountState) -> None:
        """Render a state, in place of the account's earlier one."""
        self._accounts[state.account.name] = self._account_table.render(state)
        self._changes += 1

    def keep(self, names: Iterable[str]) -> None:
        """Drop the accounts that are not named, at once."""
        kept = frozenset(names)
        self._accounts = {name: each for name, each in self._accounts.items() if name in kept}
        self._changes += 1

    def put_market(self, market: MarketState) -> None:
        """Render what is known of the market, in place of what was."""
        self._market = (self._market_table.render(market),)
        self._changes += 1

    def page(self, format_: Format) -> bytes:
        """Return the whole page as of now."""
        return b"".join((*self._families(self._snapshot(format_)), self._end(format_)))

    async def plain(self, format_: Format) -> Sequence[bytes]:
        """Return the page in parts; others may run meanwhile."""
        body = await self._body(format_, is_gzip=False)
        return body.with_end(self._end(format_))

    async def compressed(self, format_: Format) -> Sequence[bytes]:
        """Return the page in gzip, in parts; others may run meanwhile."""
        body = await self._body(format_, is_gzip=True)
        return body.with_end(self._end(format_))

    async def _body(self, format_: Format, *, is_gzip: bool) -> _Body:
        """Return one that shows what was so when it was asked for, or later, and has not expired.

        Scrapes that wait for each other share what was begun after they came.
        """
        key = (format_, is_gzip)
        before = self._snapshots
        ahead_seconds = chain((0.0, 0.0), _AHEAD_SECONDS, repeat(_AHEAD_SECONDS[-1]))
        while True:
            async with self._locks[key]:
                body = self._bodies.get(key)
                if body is None or not self._is_current(body, before):
                    snapshot = self._snapshot(format_, next(ahead_seconds))
                    body = await self._make(snapshot, is_gzip=is_gzip)
                    self._bodies[key] = body
            # Other states may have come meanwhile, but what has expired must not go out.
            if self._monotonic() < body.holds_until:
                return body

    def _is_current(self, body: _Body, before: int) -> bool:
        is_new = body.snapshot.number > before or body.snapshot.change == self._changes
        return is_new and self._monotonic() < body.holds_until

    def _snapshot(self, format_: Format, ahead_seconds: float = 0.0) -> _Snapshot:
        self._snapshots += 1
        return _Snapshot(
            self._snapshots,
            self._changes,
            self._monotonic() + ahead_seconds,
            format_,
            tuple(self._accounts.values()),
            self._market,
        )

    async def _make(self, snapshot: _Snapshot, *, is_gzip: bool) -> _Body:
        make = self._compress if is_gzip else self._join
        if _is_small(snapshot):
            return make(snapshot)
        loop = asyncio.get_running_loop()
        try:
            made = loop.run_in_executor(self._threads, make, snapshot)
        except RuntimeError:
            # No thread is to be had. The old executor keeps what it could not begin.
            self._threads = ThreadPoolExecutor(1, "page")
            return make(snapshot)
        return await made

    def _families(self, snapshot: _Snapshot) -> Iterator[bytes]:
        yield from self._account_table.join(snapshot.accounts, snapshot.format, snapshot.now)
        yield from self._market_table.join(snapshot.market, snapshot.format, snapshot.now)

    def _join(self, snapshot: _Snapshot) -> _Body:
        parts = tuple(in_parts(self._families(snapshot)))
        return _Body(snapshot, snapshot.holds_until(), parts, None)

    def _compress(self, snapshot: _Snapshot) -> _Body:
        compressor = zlib.compressobj(_LEVEL, zlib.DEFLATED, _GZIP)
        compressed = [compressor.compress(each) for each in self._families(snapshot)]
        compressed.append(compressor.flush(zlib.Z_SYNC_FLUSH))
        return _Body(snapshot, snapshot.holds_until(), tuple(in_parts(compressed)), compressor)

    def _end(self, format_: Format) -> bytes:
        end = END if format_ is Format.OPENMETRICS else b""
        return end if self._exporter is None else self._exporter.text(format_) + end


def _is_small(snapshot: _Snapshot) -> bool:
    """Return whether it takes no longer than others may wait."""
    length = 0
    for each in (*snapshot.accounts, *snapshot.market):
        length += sum(map(len, each.lines))
        if length > _INLINE_BYTES:
            return False
    return True


def in_parts(body: Iterable[bytes]) -> Iterator[bytes]:
    """Cut what is long, and join what is short; what comes in parts already is not copied."""
    short: list[bytes] = []
    length = 0
    for piece in body:
        if length + len(piece) <= _PART_BYTES:
            short.append(piece)
            length += len(piece)
            continue
        if short:
            yield b"".join(short)
        start = 0
        while len(piece) - start > _PART_BYTES:
            yield piece[start : start + _PART_BYTES]
            start += _PART_BYTES
        short, length = [piece[start:]], len(piece) - start
    if short:
        yield b"".join(short)
