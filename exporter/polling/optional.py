"""What one account's loop asks between two polls of its balances, where that costs them nothing.

The balances come first: an optional request begins after their poll and ends before the next one
is due, with a slot that no poll needs, and its failure is its own.
"""

import logging
import math
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from exporter.bitopro.client import Exchange
from exporter.bitopro.endpoints import BORROW_TERMS, MARK_PRICE, Endpoint, OptionalResponse
from exporter.bitopro.liquidations import Liquidations
from exporter.clock import Clock
from exporter.config.settings import Settings
from exporter.errors import (
    AuthenticationError,
    ClockError,
    NetworkError,
    PollError,
    PollTimeoutError,
    RateLimitedError,
    TLSError,
    WrongAccountError,
)
from exporter.metrics.page import Exposition
from exporter.polling.poller import SLOW_SECONDS, delay_seconds, log_undocumented
from exporter.state import AccountState, EndpointState, MarketState, PollTimes, means_unavailable


class Schedule:
    """Times at which things are due, on a grid of their intervals that begins at `now`.

    The first to come when one is due takes it; no other does before the next time, unless it is
    given back.
    """

    def __init__(self, intervals_seconds: Mapping[str, float], now: float) -> None:
        self._intervals_seconds = intervals_seconds
        self._due = dict.fromkeys(intervals_seconds, now)
        self._returned: set[str] = set()

    def is_due(self, name: str, now: float) -> bool:
        """Return whether it is time for it; never for what is not on the schedule."""
        return name in self._returned or now >= self._due.get(name, math.inf)

    def take(self, name: str, now: float) -> None:
        """Take what is due: the next time is the next one on the grid."""
        self._returned.discard(name)
        if now >= self._due[name]:
            interval_seconds = self._intervals_seconds[name]
            missed = math.floor((now - self._due[name]) / interval_seconds)
            self._due[name] += (missed + 1) * interval_seconds

    def give_back(self, name: str) -> None:
        """Let it be due at once, because the account that took it has failed."""
        if name in self._due:
            self._returned.add(name)

    def change(self, intervals_seconds: Mapping[str, float], now: float) -> None:
        """Put other things on the schedule, or other intervals; what was due stays due."""
        self._intervals_seconds = intervals_seconds
        self._due = {
            name: min(self._due.get(name, now), now + interval_seconds)
            for name, interval_seconds in intervals_seconds.items()
        }
        self._returned &= set(intervals_seconds)


class SharedMarket:
    """The market as far as it is known, and the schedule of those who ask about it."""

    def __init__(self, exposition: Exposition, now: float) -> None:
        self.schedule = Schedule({}, now)
        self._exposition = exposition
        self._market = MarketState(0.0)
        self._base_urls: frozenset[str] = frozenset()

    def update(self, update: Callable[[MarketState], MarketState]) -> None:
        """Replace what is known by what follows from it, and publish that."""
        self._market = update(self._market)
        self._exposition.put_market(self._market)

    def change(self, settings: Settings, now: float) -> None:
        """Go on with other settings; what is known of another market is forgotten."""
        self.schedule.change(_intervals_seconds(settings), now)
        base_urls = frozenset(each.account.base_url for each in settings.accounts)
        stale_after_seconds = min(
            (each.account.stale_after_seconds for each in settings.accounts), default=0.0
        )
        known = self._market if base_urls == self._base_urls else MarketState(0.0)
        self._base_urls = base_urls
        self.update(lambda _: replace(known, stale_after_seconds=stale_after_seconds))


def _intervals_seconds(settings: Settings) -> Mapping[str, float]:
    """Return how often to ask what is asked once for all accounts; of two exchanges, nothing is."""
    if not (settings.accounts and settings.has_one_exchange):
        return {}
    shortest_seconds = min(each.account.poll_interval_seconds for each in settings.accounts)
    return {
        each.name: each.interval_seconds or shortest_seconds for each in (MARK_PRICE, BORROW_TERMS)
    }


LONGEST_SECONDS = 10.0
UNAVAILABLE_SECONDS = 900.0

# Kept free before the next poll of the balances, for closing a connection that hangs.
_MARGIN_SECONDS = 0.3
# With less, no answer comes in time, and a failure would be counted for nothing.
_LEAST_SECONDS = 0.2

# Errors that another request to the same exchange would only meet again.
_OUTAGES = (NetworkError, TLSError, PollTimeoutError, ClockError, RateLimitedError)

logger = logging.getLogger(__name__)


class OptionalRequests:
    """The optional requests of one account's loop.

    `shared` is the schedule of what is asked once for all accounts, and `update_market` changes
    what is known of it; `publish` takes each new state of the account. `draw` is the poller's.
    """

    def __init__(  # noqa: PLR0913 - everything it needs is passed in
        self,
        exchange: Exchange,
        endpoints: Sequence[Endpoint[OptionalResponse]],
        *,
        interval_seconds: float,
        shared: Schedule,
        update_market: Callable[[Callable[[MarketState], MarketState]], None],
        publish: Callable[[AccountState], None],
        clock: Clock,
        draw: Callable[[], float] = random.random,
    ) -> None:
        self._exchange = exchange
        # The one that was asked longest ago comes first, so that none can starve the others.
        self._endpoints = list(endpoints)
        self._interval_seconds = interval_seconds
        self._shared = shared
        self._own = Schedule(
            {each.name: self._interval_of(each) for each in endpoints if each.is_of_account},
            clock.monotonic(),
        )
        self._update_market = update_market
        self._publish = publish
        self._clock = clock
        self._draw = draw
        self._not_before: dict[str, float] = {}
        self._failed_in_a_row: dict[str, int] = {}
        self._was_refused = False

    async def ask_due(
        self, state: AccountState, poll_error: PollError | None, due_monotonic_seconds: float
    ) -> AccountState:
        """Ask what is due, after a poll with this outcome and until shortly before the next one.

        Returns the state that follows. Whatever else than PollError is raised is a bug.
        """
        if isinstance(poll_error, AuthenticationError):
            self._was_refused = True
        if isinstance(poll_error, (*_OUTAGES, AuthenticationError, WrongAccountError)):
            return state
        if self._was_refused and poll_error is None:
            # The key has been fixed, and with it perhaps what it may ask.
            self._was_refused = False
            self._not_before.clear()
        for endpoint in tuple(self._endpoints):
            if not self._is_due(endpoint) or (endpoint.is_of_account and state.received is None):
                # No balances have shown yet whose key it is.
                continue
            left_seconds = due_monotonic_seconds - self._clock.monotonic() - _MARGIN_SECONDS
            if left_seconds < _LEAST_SECONDS:
                break
            state, error = await self._ask(state, endpoint, min(LONGEST_SECONDS, left_seconds))
            if isinstance(error, _OUTAGES):
                break
        return state

    def _is_due(self, endpoint: Endpoint[OptionalResponse]) -> bool:
        now = self._clock.monotonic()
        is_patient = now < self._not_before.get(endpoint.name, now)
        return not is_patient and self._schedule(endpoint).is_due(endpoint.name, now)

    def _schedule(self, endpoint: Endpoint[OptionalResponse]) -> Schedule:
        return self._own if endpoint.is_of_account else self._shared

    def _interval_of(self, endpoint: Endpoint[OptionalResponse]) -> float:
        return endpoint.interval_seconds or self._interval_seconds

    async def _ask(
        self, state: AccountState, endpoint: Endpoint[OptionalResponse], deadline_seconds: float
    ) -> tuple[AccountState, PollError | None]:
        started = self._clock.monotonic()
        self._schedule(endpoint).take(endpoint.name, started)
        self._endpoints.remove(endpoint)
        self._endpoints.append(endpoint)
        try:
            response = await self._exchange.ask(endpoint, deadline_seconds)
        except PollError as error:
            return self._failed(state, endpoint, error), error
        if response is None:
            # No slot was free, so nothing was asked.
            self._schedule(endpoint).give_back(endpoint.name)
            return state, None
        ended = self._clock.monotonic()
        self._failed_in_a_row[endpoint.name] = 0
        succeeded = state.after_answer(
            endpoint.name, response, PollTimes(ended, self._clock.wall(), ended - started)
        )
        self._publish(succeeded)
        if not isinstance(response, Liquidations):
            market_response = response
            self._update_market(lambda market: market.after(market_response, ended))
        _log_success(endpoint, state, succeeded)
        return succeeded, None

    def _failed(
        self, state: AccountState, endpoint: Endpoint[OptionalResponse], error: PollError
    ) -> AccountState:
        """Return the state after a failure, and leave it to other keys for a while."""
        name = endpoint.name
        self._failed_in_a_row[name] = self._failed_in_a_row.get(name, 0) + 1
        pause_seconds = UNAVAILABLE_SECONDS
        if not means_unavailable(error):
            interval_seconds = min(self._interval_of(endpoint), SLOW_SECONDS)
            pause_seconds = delay_seconds(
                error, interval_seconds, self._failed_in_a_row[name], self._draw()
            )
        # A limit of requests is that of the key, whatever it asks.
        paused = self._endpoints if isinstance(error, RateLimitedError) else [endpoint]
        until = self._clock.monotonic() + pause_seconds
        for each in paused:
            self._not_before[each.name] = max(until, self._not_before.get(each.name, until))
        self._schedule(endpoint).give_back(name)
        failed = state.after_no_answer(name, error)
        self._publish(failed)
        _log_failure(endpoint, state, failed, error)
        return failed


def _log_failure(
    endpoint: Endpoint[OptionalResponse],
    before: AccountState,
    after: AccountState,
    error: PollError,
) -> None:
    was = before.endpoints.get(endpoint.name, EndpointState())
    now = after.endpoints[endpoint.name]
    is_news = (was.reason, was.is_available) != (now.reason, now.is_available)
    logger.log(
        logging.WARNING if is_news else logging.DEBUG,
        "optional request failed" if now.is_available else "endpoint not available to this key",
        extra={
            "account": after.account.name,
            "endpoint": endpoint.name,
            "reason": error.reason,
            "detail": str(error),
        },
    )


def _log_success(
    endpoint: Endpoint[OptionalResponse], before: AccountState, after: AccountState
) -> None:
    was = before.endpoints.get(endpoint.name, EndpointState())
    if was.reason is not None:
        is_first = not was.last_success_timestamp_seconds
        logger.info(
            "first optional request succeeded" if is_first else "optional request succeeded again",
            extra={"account": after.account.name, "endpoint": endpoint.name, "was": was.reason},
        )
    log_undocumented(before, after)
