"""The loop of one account: when to poll, and how long to wait after a failure."""

import math
import random
from collections.abc import Awaitable, Callable, Collection
from dataclasses import replace

from exporter.bitopro.endpoints import BALANCES
from exporter.clock import Clock
from exporter.errors import AuthenticationError, PollError, RateLimitedError
from exporter.polling.session import AccountSession
from exporter.state import AccountState

SLOW_SECONDS = 60.0
MAX_RETRY_AFTER_SECONDS = 300.0

_JITTER = 0.25
_MAX_DOUBLINGS = 10

# Of the budget, what optional requests need a minute: prices and terms for all, and liquidations.
_SHARED_REQUESTS_PER_MINUTE = 5


class Pace:
    """How often accounts are polled: those in danger more often, as far as the budget reaches.

    What the others and the optional requests leave is shared evenly by those in danger.
    """

    def __init__(self) -> None:
        self._accounts: frozenset[str] = frozenset()
        self._requests_per_minute = 0
        self._in_danger: set[str] = set()

    def change(self, accounts: Collection[str], requests_per_minute: int) -> None:
        """Go on with these accounts and this budget."""
        self._accounts = frozenset(accounts)
        self._requests_per_minute = requests_per_minute
        self._in_danger &= self._accounts

    def interval_seconds(self, state: AccountState) -> float:
        """Return the interval of an account that is in this state."""
        account = state.account
        usual_seconds = account.poll_interval_seconds
        wished_seconds = account.danger_poll_interval_seconds
        if wished_seconds is None or not state.is_hurried:
            self._in_danger.discard(account.name)
            return usual_seconds
        self._in_danger.add(account.name)
        others = len(self._accounts - self._in_danger)
        left_per_minute = (
            self._requests_per_minute
            - _SHARED_REQUESTS_PER_MINUTE
            - len(self._accounts)
            - 60.0 * others / usual_seconds
        )
        # As many polls as are left, each minute, for all of them.
        possible_seconds = (
            60.0 * len(self._in_danger) / left_per_minute if left_per_minute > 0.0 else math.inf
        )
        return min(max(wished_seconds, possible_seconds), usual_seconds)


def usual_interval_seconds(state: AccountState) -> float:
    """Return the configured interval, whatever state an account is in."""
    return state.account.poll_interval_seconds


InBetween = Callable[[PollError | None, float], Awaitable[None]]
"""Takes a poll's error and when the next poll is due (monotonic seconds); returns before that."""


async def poll_forever(  # noqa: PLR0913 - everything it needs is passed in
    session: AccountSession,
    *,
    clock: Clock,
    offset_seconds: float = 0.0,
    draw: Callable[[], float] = random.random,
    in_between: InBetween | None = None,
    pace: Callable[[AccountState], float] = usual_interval_seconds,
) -> None:
    """Poll the account at its interval, and record each new state, until cancelled.

    `pace` returns the interval in a state. The first poll comes after `offset_seconds`, which
    spreads many accounts over the interval. `draw` gives the jitter of the backoff, in [0, 1).
    After each poll `in_between` may use the time until the next one. Whatever else than PollError
    is raised is a bug, and ends the loop.
    """
    due = clock.monotonic() + offset_seconds
    failed_in_a_row = 0
    while True:
        await clock.sleep(max(0.0, due - clock.monotonic()))
        outcome = await session.fetch(BALANCES)
        now = clock.monotonic()
        interval_seconds = pace(outcome.state)
        if outcome.error is None:
            failed_in_a_row = 0
            # On the grid of the interval, so that a slow answer does not delay all later polls.
            due = max(due + interval_seconds, now)
        else:
            # Who is in danger is not left alone for longer and longer.
            failed_in_a_row = 1 if outcome.state.is_hurried else failed_in_a_row + 1
            due = now + delay_seconds(outcome.error, interval_seconds, failed_in_a_row, draw())
        session.record(
            replace(outcome.state, due_monotonic_seconds=due, interval_seconds=interval_seconds)
        )
        if in_between is not None:
            await in_between(outcome.error, due)


def delay_seconds(
    error: PollError, interval_seconds: float, failed_in_a_row: int, draw: float
) -> float:
    """Return the pause after a failed poll: never shorter than the interval.

    Rejected credentials are tried once a minute, a rate limit is waited for as asked (at most 5
    minutes), and everything else doubles the interval, with up to a quarter added so that many
    exporters do not return in step, up to a minute: whatever was fixed is noticed within that.
    `draw` is in [0, 1).
    """
    slow_seconds = max(SLOW_SECONDS, interval_seconds)
    if isinstance(error, AuthenticationError):
        return slow_seconds
    if isinstance(error, RateLimitedError):
        asked = error.retry_after_seconds
        return max(
            interval_seconds,
            min(SLOW_SECONDS if asked is None else asked, MAX_RETRY_AFTER_SECONDS),
        )
    doubled = interval_seconds * 2.0 ** min(failed_in_a_row - 1, _MAX_DOUBLINGS)
    return min(doubled * (1.0 + _JITTER * draw), slow_seconds)
