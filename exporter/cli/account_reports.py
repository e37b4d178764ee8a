"""One look at every configured account: its balances, then prices and terms of borrowing."""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from decimal import Decimal
from functools import partial

from exporter.bitopro.balances import Snapshot
from exporter.bitopro.client import Exchange, KnownExchanges
from exporter.bitopro.endpoints import BALANCES, BORROW_TERMS, MARK_PRICE, Endpoint
from exporter.bitopro.market import BorrowTerms, MarkPrices
from exporter.bitopro.rate_limit import RequestBudget
from exporter.bitopro.transport import Connection
from exporter.clock import Clock
from exporter.config.settings import AccountSettings, Settings
from exporter.errors import PollError, RateLimitedError
from exporter.polling.manager import DEADLINE_SECONDS
from exporter.polling.poller import poll_once
from exporter.risk import Risk, assess
from exporter.service.process import client_ssl_context
from exporter.state import Account, AccountState, MarketState, PollTimes, means_unavailable


@dataclass(frozen=True, slots=True)
class Missing:
    """An endpoint that gave nothing, and why."""

    endpoint: str
    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class AccountReport:
    """An account as it was at `timestamp_seconds` of unix time.

    `snapshot` is None if the poll failed, and `failure` says why. `prices` and `annual_ratios` are
    empty where their endpoint gave nothing, which is then in `missing`.
    """

    account: Account
    timestamp_seconds: float
    snapshot: Snapshot | None
    failure: Missing | None
    prices: Mapping[str, Decimal]
    annual_ratios: Mapping[str, Decimal]
    missing: tuple[Missing, ...] = ()

    @property
    def risk(self) -> Risk | None:
        """What follows from it."""
        if self.snapshot is None:
            return None
        return assess(self.snapshot, self.prices, self.annual_ratios, self.account.thresholds)


_ParsedResponse = MarkPrices | BorrowTerms
_OF_THE_MARKET: Sequence[Endpoint[_ParsedResponse]] = (MARK_PRICE, BORROW_TERMS)


@dataclass(frozen=True, slots=True)
class PollResult:
    """A polled account, with what its exchange said of the market, and what it did not say."""

    state: AccountState
    market: MarketState
    missing: tuple[Missing, ...]

    @property
    def report(self) -> AccountReport:
        """What was found."""
        state, prices, terms = self.state, self.market.prices, self.market.terms
        failure = None
        if state.reason is not None:
            failure = Missing(BALANCES.name, state.reason, state.message or "")
        return AccountReport(
            account=state.account,
            timestamp_seconds=state.since_timestamp_seconds or 0.0,
            snapshot=state.snapshot,
            failure=failure,
            prices=prices.prices if prices else {},
            annual_ratios=(
                {name: each.annual_interest_ratio for name, each in terms.terms.items()}
                if terms
                else {}
            ),
            missing=self.missing,
        )


async def poll_until(
    stopped: asyncio.Event, settings: Settings, clock: Clock
) -> tuple[PollResult, ...] | None:
    """Poll all accounts and set `stopped`; None if it was set before the end."""
    visiting = asyncio.create_task(_poll_all(settings, clock))
    stopping = asyncio.create_task(stopped.wait())
    await asyncio.wait((visiting, stopping), return_when=asyncio.FIRST_COMPLETED)
    results = visiting.result() if visiting.done() else None
    visiting.cancel()
    stopped.set()
    await asyncio.wait((visiting, stopping))
    return results


async def _poll_all(settings: Settings, clock: Clock) -> tuple[PollResult, ...]:
    """Poll each account once, and ask each exchange once for what is the same for its accounts."""
    budget = RequestBudget(clock, settings.requests_per_minute)
    exchanges = KnownExchanges()
    ssl_context = client_ssl_context()
    async with AsyncExitStack() as stack:
        callers = [
            _Caller(
                each,
                await stack.enter_async_context(Connection(ssl_context)),
                budget,
                exchanges,
                clock,
            )
            for each in settings.accounts
        ]
        async with asyncio.TaskGroup() as group:
            for caller in callers:
                group.create_task(caller.poll())
        by_exchange: dict[str, list[_Caller]] = {}
        for caller in callers:
            by_exchange.setdefault(caller.account.base_url, []).append(caller)
        markets = {
            base_url: await _market(fellows, clock) for base_url, fellows in by_exchange.items()
        }
    return tuple(PollResult(caller.state, *markets[caller.account.base_url]) for caller in callers)


class _Caller:
    """One account's connection, and the state that comes of it."""

    def __init__(
        self,
        settings: AccountSettings,
        connection: Connection,
        budget: RequestBudget,
        exchanges: KnownExchanges,
        clock: Clock,
    ) -> None:
        self.account = settings.account
        self.state = AccountState(settings.account)
        self._clock = clock
        self._exchange = Exchange(
            base_url=settings.account.base_url,
            read_credentials=settings.credentials.read,
            connection=connection,
            clock=clock,
            take_slot=budget.take,
            deadline_seconds=DEADLINE_SECONDS,
            claim=partial(exchanges.claim, settings.account.name, settings.account.base_url),
            dates=exchanges.dates(settings.account.base_url),
        )

    async def poll(self) -> None:
        """Ask for the balances."""
        self.state, _ = await poll_once(self.state, self._exchange, self._clock)

    async def ask(self, endpoint: Endpoint[_ParsedResponse]) -> _ParsedResponse:
        """Ask for something else. Raises PollError."""
        started = self._clock.monotonic()
        try:
            response = await self._exchange.ask(endpoint, DEADLINE_SECONDS)
            if response is None:
                raise RateLimitedError("no request is left for it this minute")
        except PollError as error:
            self.state = self.state.after_no_answer(endpoint.name, error)
            raise
        ended = self._clock.monotonic()
        times = PollTimes(ended, self._clock.wall(), ended - started)
        self.state = self.state.after_answer(endpoint.name, response, times)
        return response


async def _market(
    callers: Sequence[_Caller], clock: Clock
) -> tuple[MarketState, tuple[Missing, ...]]:
    """Ask what is the same for all accounts of an exchange."""
    market = MarketState(min(each.account.stale_after_seconds for each in callers))
    missing: list[Missing] = []
    for endpoint in _OF_THE_MARKET:
        response = await _first_answer([each for each in callers if each.state.is_up], endpoint)
        if isinstance(response, Missing):
            missing.append(response)
        elif response is not None:
            market = market.after(response, clock.monotonic())
    return market, tuple(missing)


async def _first_answer(
    callers: Sequence[_Caller], endpoint: Endpoint[_ParsedResponse]
) -> _ParsedResponse | Missing | None:
    """Ask with the next key where one may not ask this; of other failures all would be met."""
    missing_one = None
    for caller in callers:
        try:
            return await caller.ask(endpoint)
        except PollError as error:
            missing_one = Missing(endpoint.name, error.reason, str(error))
            if not means_unavailable(error):
                break
    return missing_one
