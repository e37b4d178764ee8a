"""One account at its exchange: how a request becomes the account's next state.

Polls, optional requests, `check` and `once` all fetch and record by an `AccountSession`.
"""

import logging
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Generic, TypeVar

from exporter.bitopro.balances import Snapshot
from exporter.bitopro.client import Exchange, KnownExchanges
from exporter.bitopro.endpoints import BALANCES, Endpoint, OptionalResponse
from exporter.bitopro.rate_limit import RequestBudget
from exporter.bitopro.signing import Credentials
from exporter.bitopro.transport import Connection
from exporter.clock import Clock
from exporter.config.settings import AccountSettings
from exporter.errors import POLL_ERRORS, PollError
from exporter.state import AccountState, EndpointState, MarketState, PollTimes

DEADLINE_SECONDS = 10.0

_T = TypeVar("_T", bound=Snapshot | OptionalResponse)

# Before the first answer, and where there are several exchanges.
_NO_MARKET = MarketState(0.0)

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class SharedResources:
    """What the sessions of one process share, because the exchange counts by address."""

    clock: Clock
    ssl_context: ssl.SSLContext
    budget: RequestBudget
    exchanges: KnownExchanges = field(default_factory=KnownExchanges)

    def exchange(
        self,
        settings: AccountSettings,
        connection: Connection,
        *,
        credentials: Credentials | None = None,
        account_id: str | None = None,
        is_key_new: bool = False,
    ) -> Exchange:
        """Return the exchange as this account sees it; the rest is what was known of it before."""
        account = settings.account
        return Exchange(
            base_url=account.base_url,
            read_credentials=settings.credentials.read,
            connection=connection,
            clock=self.clock,
            take_slot=self.budget.take,
            take_free_slot=self.budget.take_when_free,
            deadline_seconds=min(DEADLINE_SECONDS, account.poll_interval_seconds),
            credentials=credentials,
            account_id=account_id,
            is_key_new=is_key_new,
            claim=partial(self.exchanges.claim, account.name, account.base_url),
            dates=self.exchanges.dates(account.base_url),
        )


@dataclass(frozen=True, slots=True)
class Outcome(Generic[_T]):
    """What a request brought: its response or its error, and the state that follows if recorded."""

    state: AccountState
    times: PollTimes
    response: _T | None = None
    error: PollError | None = None


class AccountSession:
    """The state of one account, and the requests that change it.

    `publish` takes each state that is recorded, after the one before it. `market` returns what is
    known of prices and terms, for the risk of what is polled.
    """

    def __init__(
        self,
        state: AccountState,
        exchange: Exchange,
        clock: Clock,
        publish: Callable[[AccountState, AccountState], None] = lambda _, __: None,
        market: Callable[[], MarketState] = lambda: _NO_MARKET,
    ) -> None:
        self.state = state
        self._exchange = exchange
        self._clock = clock
        self._publish = publish
        self._market = market

    async def fetch(
        self, endpoint: Endpoint[_T], deadline_seconds: float | None = None
    ) -> Outcome[_T]:
        """Ask the endpoint; nothing is recorded yet. Raises NotAskedError if nothing was sent.

        Whatever else is raised is a bug.
        """
        started = self._clock.monotonic()
        try:
            response = await self._exchange.fetch(endpoint, deadline_seconds)
        except PollError as error:
            times = self._times_since(started)
            return Outcome(self._state_after_error(endpoint, error, times), times, error=error)
        times = self._times_since(started)
        value = response.value
        if isinstance(value, Snapshot):
            polled = self.state.after_success(value, times, response.clock_skew_seconds)
            state = polled.assessed(self._market(), times.monotonic_seconds)
        else:
            state = self.state.after_answer(endpoint.name, value, times)
        return Outcome(state, times, value)

    def record(self, state: AccountState) -> None:
        """Go on with this state, and publish it."""
        before, self.state = self.state, state
        self._publish(before, state)

    def _state_after_error(
        self, endpoint: Endpoint[object], error: PollError, times: PollTimes
    ) -> AccountState:
        if endpoint.path == BALANCES.path:
            return self.state.after_failure(error, times)
        return self.state.after_no_answer(endpoint.name, error)

    def _times_since(self, started: float) -> PollTimes:
        ended = self._clock.monotonic()
        return PollTimes(ended, self._clock.wall(), ended - started)


def log_changes(before: AccountState, after: AccountState) -> None:
    """Log what the last request changed: turns at INFO and WARNING, repeated failures at DEBUG."""
    name = after.account.name
    if after.polls != before.polls:
        _log_poll(before, after)
    for endpoint, state in after.endpoints.items():
        was = before.endpoints.get(endpoint, EndpointState())
        if state is not was:
            _log_optional_request(name, endpoint, was, state)
    for item in sorted(after.undocumented - before.undocumented):
        logger.warning(
            "undocumented in the answer",
            extra={"account": name, "kind": item.kind, "text": item.text},
        )


def _log_poll(before: AccountState, after: AccountState) -> None:
    name = after.account.name
    if after.reason is not None:
        logger.log(
            logging.DEBUG if before.reason == after.reason else logging.WARNING,
            "poll failed",
            extra={
                "account": name,
                "reason": after.reason,
                "detail": after.message,
                "hint": POLL_ERRORS[after.reason].hint,
            },
        )
        return
    is_first = not before.last_success_timestamp_seconds
    if is_first or before.reason is not None:
        logger.info(
            "first poll succeeded" if is_first else "poll succeeded again",
            extra={"account": name, **({"was": before.reason} if before.reason else {})},
        )


def _log_optional_request(
    name: str, endpoint: str, before: EndpointState, after: EndpointState
) -> None:
    about = {"account": name, "endpoint": endpoint}
    if after.reason is not None:
        is_repeated = (before.reason, before.is_available) == (after.reason, after.is_available)
        logger.log(
            logging.DEBUG if is_repeated else logging.WARNING,
            "optional request failed"
            if after.is_available
            else "endpoint not available to this key",
            extra={**about, "reason": after.reason, "detail": after.message},
        )
    elif before.reason is not None:
        is_first = not before.last_success_timestamp_seconds
        logger.info(
            "first optional request succeeded" if is_first else "optional request succeeded again",
            extra={**about, "was": before.reason},
        )
