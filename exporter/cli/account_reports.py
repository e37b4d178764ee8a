"""One look at every configured account: its balances, then prices and terms of borrowing."""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from decimal import Decimal

from exporter.bitopro.balances import Snapshot
from exporter.bitopro.endpoints import BALANCES, BORROW_TERMS, MARK_PRICE, Endpoint
from exporter.bitopro.market import BorrowTerms, MarkPrices
from exporter.bitopro.rate_limit import RequestBudget
from exporter.bitopro.transport import Connection
from exporter.clock import Clock
from exporter.config.settings import Settings
from exporter.errors import NotAskedError, RateLimitedError
from exporter.polling.session import DEADLINE_SECONDS, AccountSession, SharedResources, log_changes
from exporter.risk import Risk, assess
from exporter.service.process import client_ssl_context
from exporter.state import Account, AccountState, MarketState


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


_OF_THE_MARKET: Sequence[Endpoint[MarkPrices | BorrowTerms]] = (MARK_PRICE, BORROW_TERMS)


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
    polling = asyncio.create_task(_poll_all(settings, clock))
    stopping = asyncio.create_task(stopped.wait())
    await asyncio.wait((polling, stopping), return_when=asyncio.FIRST_COMPLETED)
    results = polling.result() if polling.done() else None
    polling.cancel()
    stopped.set()
    await asyncio.wait((polling, stopping))
    return results


async def _poll_all(settings: Settings, clock: Clock) -> tuple[PollResult, ...]:
    """Poll each account once, and ask each exchange once for what is the same for its accounts."""
    budget = RequestBudget(clock, settings.requests_per_minute)
    resources = SharedResources(clock, client_ssl_context(), budget)
    async with AsyncExitStack() as stack:
        sessions = [
            AccountSession(
                AccountState(each.account),
                resources.exchange(
                    each, await stack.enter_async_context(Connection(resources.ssl_context))
                ),
                clock,
                log_changes,
            )
            for each in settings.accounts
        ]
        async with asyncio.TaskGroup() as group:
            for session in sessions:
                group.create_task(_poll(session))
        by_exchange: dict[str, list[AccountSession]] = {}
        for session in sessions:
            by_exchange.setdefault(session.state.account.base_url, []).append(session)
        markets = {base_url: await _market(fellows) for base_url, fellows in by_exchange.items()}
    states = [session.state for session in sessions]
    return tuple(PollResult(each, *markets[each.account.base_url]) for each in states)


async def _poll(session: AccountSession) -> None:
    session.record((await session.fetch(BALANCES, DEADLINE_SECONDS)).state)


async def _market(sessions: Sequence[AccountSession]) -> tuple[MarketState, tuple[Missing, ...]]:
    """Ask what is the same for all accounts of an exchange."""
    market = MarketState(min(each.state.account.stale_after_seconds for each in sessions))
    missing: list[Missing] = []
    for endpoint in _OF_THE_MARKET:
        missing_one = None
        for session in [each for each in sessions if each.state.is_up]:
            market, missing_one = await _ask(session, endpoint, market)
            # The next key may be allowed to ask this; any other failure would be met again.
            if missing_one is None or session.state.may_ask(endpoint.name):
                break
        if missing_one is not None:
            missing.append(missing_one)
    return market, tuple(missing)


async def _ask(
    session: AccountSession, endpoint: Endpoint[MarkPrices | BorrowTerms], market: MarketState
) -> tuple[MarketState, Missing | None]:
    try:
        outcome = await session.fetch(endpoint, DEADLINE_SECONDS)
    except NotAskedError as error:
        return market, Missing(endpoint.name, RateLimitedError.reason, str(error))
    session.record(outcome.state)
    if outcome.error is not None:
        return market, Missing(endpoint.name, outcome.error.reason, str(outcome.error))
    if outcome.response is not None:
        market = market.after(outcome.response, outcome.times.monotonic_seconds)
    return market, None
