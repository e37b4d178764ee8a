"""What one account's loop asks between two polls of its balances, where that costs them nothing.

The balances come first: an optional request begins after their poll and ends before the next one
is due, with a slot that nobody else needs, and its failure is its own.
"""

import logging
import random
from collections.abc import Callable, Sequence

from exporter.clock import Clock
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
from exporter.exchange.client import Exchange
from exporter.exchange.endpoints import Endpoint, Extra
from exporter.exchange.liquidations import Liquidations
from exporter.polling.poller import SLOW_SECONDS, delay_seconds, log_novelties
from exporter.polling.rota import Rota
from exporter.state.endpoint import EndpointState, means_unavailable
from exporter.state.market import MarketState
from exporter.state.store import AccountState, PollTimes

LONGEST_SECONDS = 10.0
UNAVAILABLE_SECONDS = 900.0

# Kept free before the next poll of the balances, for closing a connection that hangs.
_MARGIN_SECONDS = 0.3
# With less, no answer comes in time, and a failure would be counted for nothing.
_LEAST_SECONDS = 0.2

# Errors that another request to the same exchange would only meet again.
_OUTAGES = (NetworkError, TLSError, PollTimeoutError, ClockError, RateLimitedError)

logger = logging.getLogger(__name__)


class Extras:
    """The optional requests of one account's loop.

    `shared` is the rota of what is asked once for all accounts, and `update_market` changes what is
    known of it; `publish` takes each new state of the account. `draw` is that of the poller.
    """

    def __init__(  # noqa: PLR0913 - everything it needs is passed in
        self,
        exchange: Exchange,
        endpoints: Sequence[Endpoint[Extra]],
        *,
        interval_seconds: float,
        shared: Rota,
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
        self._own = Rota(
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

        Gives the state that follows. Whatever else than PollError is raised is a bug.
        """
        if isinstance(poll_error, AuthenticationError):
            self._was_refused = True
        if isinstance(poll_error, (*_OUTAGES, AuthenticationError, WrongAccountError)):
            return state
        if self._was_refused and poll_error is None:
            # The key has been mended, and with it perhaps what it may ask.
            self._was_refused = False
            self._not_before.clear()
        for endpoint in tuple(self._endpoints):
            if not self._is_due(endpoint) or (endpoint.is_of_account and state.received is None):
                # Whose key it is, no balances have told yet.
                continue
            left_seconds = due_monotonic_seconds - self._clock.monotonic() - _MARGIN_SECONDS
            if left_seconds < _LEAST_SECONDS:
                break
            state, error = await self._ask(state, endpoint, min(LONGEST_SECONDS, left_seconds))
            if isinstance(error, _OUTAGES):
                break
        return state

    def _is_due(self, endpoint: Endpoint[Extra]) -> bool:
        now = self._clock.monotonic()
        is_patient = now < self._not_before.get(endpoint.name, now)
        return not is_patient and self._rota(endpoint).is_due(endpoint.name, now)

    def _rota(self, endpoint: Endpoint[Extra]) -> Rota:
        return self._own if endpoint.is_of_account else self._shared

    def _interval_of(self, endpoint: Endpoint[Extra]) -> float:
        return endpoint.interval_seconds or self._interval_seconds

    async def _ask(
        self, state: AccountState, endpoint: Endpoint[Extra], deadline_seconds: float
    ) -> tuple[AccountState, PollError | None]:
        started = self._clock.monotonic()
        self._rota(endpoint).take(endpoint.name, started)
        self._endpoints.remove(endpoint)
        self._endpoints.append(endpoint)
        try:
            learned = await self._exchange.ask(endpoint, deadline_seconds)
        except PollError as error:
            return self._failed(state, endpoint, error), error
        if learned is None:
            # No slot was free, so nothing was asked.
            self._rota(endpoint).give_back(endpoint.name)
            return state, None
        ended = self._clock.monotonic()
        self._failed_in_a_row[endpoint.name] = 0
        succeeded = state.after_answer(
            endpoint.name, learned, PollTimes(ended, self._clock.wall(), ended - started)
        )
        self._publish(succeeded)
        if not isinstance(learned, Liquidations):
            market_learned = learned
            self._update_market(lambda market: market.after(market_learned, ended))
        _log_success(endpoint, state, succeeded)
        return succeeded, None

    def _failed(
        self, state: AccountState, endpoint: Endpoint[Extra], error: PollError
    ) -> AccountState:
        """Give the state after a failure, and leave it to other keys for a while."""
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
        self._rota(endpoint).give_back(name)
        failed = state.after_no_answer(name, error)
        self._publish(failed)
        _log_failure(endpoint, state, failed, error)
        return failed


def _log_failure(
    endpoint: Endpoint[Extra], before: AccountState, after: AccountState, error: PollError
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


def _log_success(endpoint: Endpoint[Extra], before: AccountState, after: AccountState) -> None:
    was = before.endpoints.get(endpoint.name, EndpointState())
    if was.reason is not None:
        is_first = not was.last_success_timestamp_seconds
        logger.info(
            "first optional request succeeded" if is_first else "optional request succeeded again",
            extra={"account": after.account.name, "endpoint": endpoint.name, "was": was.reason},
        )
    log_novelties(before, after)
