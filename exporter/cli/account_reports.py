"""One look at every configured account: its balances, then prices and terms of borrowing."""

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass

from exporter.bitopro.balances import Snapshot
from exporter.bitopro.endpoints import BALANCES, BORROW_TERMS, MARK_PRICE, Endpoint
from exporter.bitopro.market import BorrowTerms, MarkPrices
from exporter.bitopro.rate_limit import RequestBudget
from exporter.bitopro.transport import Connection
from exporter.clock import Clock
from exporter.config.settings import Settings
from exporter.errors import NotAskedError, RateLimitedError
from exporter.polling.session import DEADLINE_SECONDS, AccountSession, SharedResources, log_changes
from exporter.risk import Risk
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
    """An account after one poll, and what its exchange said of the market, and did not say."""

    state: AccountState
    market: MarketState
    missing: tuple[Missing, ...] = ()

    @property
    def account(self) -> Account:
        """The configured account."""
        return self.state.account

    @property
    def timestamp_seconds(self) -> float:
        """Unix time of the poll."""
        return self.state.since_timestamp_seconds or 0.0

    @property
    def snapshot(self) -> Snapshot | None:
        """What the poll found; None if it failed."""
        return self.state.snapshot

    @property
    def risk(self) -> Risk | None:
        """What follows from the snapshot, at the prices and terms that are known."""
        return self.state.assessment.risk if self.state.assessment else None

    @property
    def failure(self) -> Missing | None:
        """Why the poll failed; None if it did not."""
        if self.state.reason is None:
            return None
        return Missing(BALANCES.name, self.state.reason, self.state.message or "")


_OF_THE_MARKET: Sequence[Endpoint[MarkPrices | BorrowTerms]] = (MARK_PRICE, BORROW_TERMS)


async def poll_until(
    stopped: asyncio.Event, settings: Settings, clock: Clock
) -> tuple[AccountReport, ...] | None:
    """Poll all accounts and set `stopped`; None if it was set before the end."""
    polling = asyncio.create_task(_poll_all(settings, clock))
    stopping = asyncio.create_task(stopped.wait())
    await asyncio.wait((polling, stopping), return_when=asyncio.FIRST_COMPLETED)
    results = polling.result() if polling.done() else None
    polling.cancel()
    stopped.set()
    await asyncio.wait((polling, stopping))
    return results


async def _poll_all(settings: Settings, clock: Clock) -> tuple[AccountReport, ...]:
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
    reports: list[AccountReport] = []
    for session in sessions:
        market, missing = markets[session.state.account.base_url]
        state = session.state.assessed(market, clock.monotonic())
        reports.append(AccountReport(state, market, missing))
    return tuple(reports)


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
