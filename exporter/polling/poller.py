"""The loop of one account: when to poll, what a poll does to the state, what is logged."""

import logging
import random
from collections.abc import Awaitable, Callable
from dataclasses import replace

from exporter.bitopro.client import Exchange
from exporter.clock import Clock
from exporter.errors import HINTS, AuthenticationError, PollError, RateLimitedError
from exporter.state import AccountState, PollTimes

SLOW_SECONDS = 60.0
MAX_RETRY_AFTER_SECONDS = 300.0

_JITTER = 0.25
_MAX_DOUBLINGS = 10

InBetween = Callable[[AccountState, PollError | None, float], Awaitable[AccountState]]
"""Takes the state after a poll, the poll's error and when the next is due (monotonic seconds).

Returns the state that follows, before that time.
"""

logger = logging.getLogger(__name__)


async def poll_forever(  # noqa: PLR0913 - everything it needs is passed in
    state: AccountState,
    exchange: Exchange,
    publish: Callable[[AccountState], None],
    *,
    clock: Clock,
    offset_seconds: float = 0.0,
    draw: Callable[[], float] = random.random,
    in_between: InBetween | None = None,
) -> None:
    """Poll the account of `state` at its interval, and publish each new state, until cancelled.

    The first poll comes after `offset_seconds`, which spreads many accounts over the interval.
    `draw` gives the jitter of the backoff, in [0, 1). After each poll `in_between` may use the time
    until the next one. Whatever else than PollError is raised is a bug, and ends the loop.
    """
    interval_seconds = state.account.poll_interval_seconds
    due = clock.monotonic() + offset_seconds
    failed_in_a_row = 0
    while True:
        await clock.sleep(max(0.0, due - clock.monotonic()))
        state, error = await poll_once(state, exchange, clock)
        now = clock.monotonic()
        if error is None:
            failed_in_a_row = 0
            # On the grid of the interval, so that a slow answer does not delay all later polls.
            due = max(due + interval_seconds, now)
        else:
            failed_in_a_row += 1
            due = now + delay_seconds(error, interval_seconds, failed_in_a_row, draw())
        state = replace(state, due_monotonic_seconds=due)
        publish(state)
        if in_between is not None:
            state = await in_between(state, error, due)


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


async def poll_once(
    state: AccountState, exchange: Exchange, clock: Clock
) -> tuple[AccountState, PollError | None]:
    """Poll; return the state that follows from `state`, with the error if there was one."""
    started = clock.monotonic()
    try:
        poll = await exchange.poll()
    except PollError as error:
        failed = state.after_failure(error, _times(clock, started))
        _log_failure(state, error)
        return failed, error
    succeeded = state.after_success(poll.snapshot, _times(clock, started), poll.clock_skew_seconds)
    _log_success(state, succeeded)
    return succeeded, None


def _times(clock: Clock, started: float) -> PollTimes:
    ended = clock.monotonic()
    return PollTimes(
        monotonic_seconds=ended, timestamp_seconds=clock.wall(), duration_seconds=ended - started
    )


def _log_failure(before: AccountState, error: PollError) -> None:
    is_news = before.reason != error.reason
    logger.log(
        logging.WARNING if is_news else logging.DEBUG,
        "poll failed",
        extra={
            "account": before.account.name,
            "reason": error.reason,
            "detail": str(error),
            "do": HINTS[error.reason].do,
        },
    )


def _log_success(before: AccountState, after: AccountState) -> None:
    name = after.account.name
    is_first = not before.last_success_timestamp_seconds
    if before.reason is not None:
        message = "first poll succeeded" if is_first else "poll succeeded again"
        logger.info(message, extra={"account": name, "was": before.reason})
    elif is_first:
        logger.info("first poll succeeded", extra={"account": name})
    log_undocumented(before, after)


def log_undocumented(before: AccountState, after: AccountState) -> None:
    """Log what is undocumented and was met for the first time."""
    for item in sorted(after.undocumented - before.undocumented):
        logger.warning(
            "undocumented in the answer",
            extra={
                "account": after.account.name,
                "kind": item.kind,
                "text": item.text,
            },
        )
