"""What one account's loop asks between two polls of its balances, where that costs them nothing.

The balances come first: an optional request begins after their poll and ends before the next one
is due, with a slot that no poll needs, and its failure is its own.
"""

import math
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from exporter.bitopro.endpoints import (
    BORROW_TERMS,
    MARK_PRICE,
    OPTIONAL_ENDPOINTS,
    Endpoint,
    OptionalResponse,
)
from exporter.bitopro.liquidations import Liquidations
from exporter.clock import Clock
from exporter.config.settings import Settings
from exporter.errors import (
    AuthenticationError,
    ClockError,
    NetworkError,
    NotAskedError,
    PollError,
    PollTimeoutError,
    RateLimitedError,
    TLSError,
    WrongAccountError,
)
from exporter.polling.poller import SLOW_SECONDS, delay_seconds
from exporter.polling.session import AccountSession
from exporter.state import MarketState, means_unavailable


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
    """What is known of the market, and the schedule by which the accounts ask for it.

    `publish` takes each new state of it.
    """

    def __init__(
        self, schedule: Schedule, publish: Callable[[MarketState], None] = lambda _: None
    ) -> None:
        self.schedule = schedule
        self.state = MarketState(0.0)
        self._publish = publish
        self._base_urls: frozenset[str] = frozenset()

    def record(self, state: MarketState) -> None:
        """Go on with this state, and publish it."""
        self.state = state
        self._publish(state)

    def change(self, settings: Settings, now: float) -> None:
        """Go on with other settings; what is known of another market is forgotten."""
        self.schedule.change(_intervals_seconds(settings), now)
        base_urls = frozenset(each.account.base_url for each in settings.accounts)
        stale_after_seconds = min(
            (each.account.stale_after_seconds for each in settings.accounts), default=0.0
        )
        known = self.state if base_urls == self._base_urls else MarketState(0.0)
        self._base_urls = base_urls
        self.record(replace(known, stale_after_seconds=stale_after_seconds))


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


class OptionalRequests:
    """The optional requests of one account's loop.

    What is about the market is asked once for all accounts. `draw` is the poller's.
    """

    def __init__(
        self,
        session: AccountSession,
        shared_market: SharedMarket,
        *,
        clock: Clock,
        draw: Callable[[], float] = random.random,
        endpoints: Sequence[Endpoint[OptionalResponse]] = OPTIONAL_ENDPOINTS,
    ) -> None:
        self._session = session
        # The one that was asked longest ago comes first, so that none can starve the others.
        self._endpoints = list(endpoints)
        self._interval_seconds = session.state.account.poll_interval_seconds
        self._market = shared_market
        self._own = Schedule(
            {each.name: self._interval_of(each) for each in endpoints if each.is_of_account},
            clock.monotonic(),
        )
        self._clock = clock
        self._draw = draw
        self._not_before: dict[str, float] = {}
        self._failed_in_a_row: dict[str, int] = {}
        self._was_refused = False

    async def ask_due(self, poll_error: PollError | None, due_monotonic_seconds: float) -> None:
        """Ask what is due, after a poll with this outcome and until shortly before the next one.

        Whatever is raised is a bug.
        """
        if isinstance(poll_error, AuthenticationError):
            self._was_refused = True
        if isinstance(poll_error, (*_OUTAGES, AuthenticationError, WrongAccountError)):
            return
        if self._was_refused and poll_error is None:
            # The key has been fixed, and with it perhaps what it may ask.
            self._was_refused = False
            self._not_before.clear()
        for endpoint in tuple(self._endpoints):
            is_key_known = self._session.state.received is not None
            if not self._is_due(endpoint) or (endpoint.is_of_account and not is_key_known):
                # No balances have shown yet whose key it is.
                continue
            left_seconds = due_monotonic_seconds - self._clock.monotonic() - _MARGIN_SECONDS
            if left_seconds < _LEAST_SECONDS:
                break
            error = await self._ask(endpoint, min(LONGEST_SECONDS, left_seconds))
            if isinstance(error, _OUTAGES):
                break

    def _is_due(self, endpoint: Endpoint[OptionalResponse]) -> bool:
        now = self._clock.monotonic()
        is_patient = now < self._not_before.get(endpoint.name, now)
        return not is_patient and self._schedule(endpoint).is_due(endpoint.name, now)

    def _schedule(self, endpoint: Endpoint[OptionalResponse]) -> Schedule:
        return self._own if endpoint.is_of_account else self._market.schedule

    def _interval_of(self, endpoint: Endpoint[OptionalResponse]) -> float:
        return endpoint.interval_seconds or self._interval_seconds

    async def _ask(
        self, endpoint: Endpoint[OptionalResponse], deadline_seconds: float
    ) -> PollError | None:
        self._schedule(endpoint).take(endpoint.name, self._clock.monotonic())
        self._endpoints.remove(endpoint)
        self._endpoints.append(endpoint)
        try:
            outcome = await self._session.fetch(endpoint, deadline_seconds)
        except NotAskedError:
            self._schedule(endpoint).give_back(endpoint.name)
            return None
        if outcome.error is not None:
            self._pause(endpoint, outcome.error)
        state, response = outcome.state, outcome.response
        if response is not None:
            self._failed_in_a_row[endpoint.name] = 0
            if not isinstance(response, Liquidations):
                ended = outcome.times.monotonic_seconds
                self._market.record(self._market.state.after(response, ended))
                # The other accounts follow with their next poll.
                state = state.assessed(self._market.state, ended)
        self._session.record(state)
        return outcome.error

    def _pause(self, endpoint: Endpoint[OptionalResponse], error: PollError) -> None:
        """After a failure, leave the endpoint to other keys for a while."""
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
