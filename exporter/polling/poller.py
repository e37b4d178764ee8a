"""The loop of one account: when to poll, and how long to wait after a failure."""

import random
from collections.abc import Awaitable, Callable
from dataclasses import replace

from exporter.bitopro.endpoints import BALANCES
from exporter.clock import Clock
from exporter.errors import AuthenticationError, PollError, RateLimitedError
from exporter.polling.session import AccountSession

SLOW_SECONDS = 60.0
MAX_RETRY_AFTER_SECONDS = 300.0

_JITTER = 0.25
_MAX_DOUBLINGS = 10

InBetween = Callable[[PollError | None, float], Awaitable[None]]
"""Takes a poll's error and when the next poll is due (monotonic seconds); returns before that."""


async def poll_forever(
    session: AccountSession,
    *,
    clock: Clock,
    offset_seconds: float = 0.0,
    draw: Callable[[], float] = random.random,
    in_between: InBetween | None = None,
) -> None:
    """Poll the account at its interval, and record each new state, until cancelled.

    The first poll comes after `offset_seconds`, which spreads many accounts over the interval.
    `draw` gives the jitter of the backoff, in [0, 1). After each poll `in_between` may use the time
    until the next one. Whatever else than PollError is raised is a bug, and ends the loop.
    """
    interval_seconds = session.state.account.poll_interval_seconds
    due = clock.monotonic() + offset_seconds
    failed_in_a_row = 0
    while True:
        await clock.sleep(max(0.0, due - clock.monotonic()))
        outcome = await session.fetch(BALANCES)
        now = clock.monotonic()
        if outcome.error is None:
            failed_in_a_row = 0
            # On the grid of the interval, so that a slow answer does not delay all later polls.
            due = max(due + interval_seconds, now)
        else:
            failed_in_a_row += 1
            due = now + delay_seconds(outcome.error, interval_seconds, failed_in_a_row, draw())
        session.record(replace(outcome.state, due_monotonic_seconds=due))
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
