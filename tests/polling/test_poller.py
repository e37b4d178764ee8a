import asyncio
import logging
from collections.abc import Callable
from itertools import count
from typing import cast

import pytest

from exporter.bitopro.balances import Snapshot, parse_snapshot
from exporter.bitopro.client import Exchange, Response
from exporter.clock import Clock
from exporter.errors import (
    AuthenticationError,
    ClockError,
    NetworkError,
    PollError,
    PollTimeoutError,
    RateLimitedError,
)
from exporter.polling.poller import delay_seconds, poll_forever
from exporter.polling.session import AccountSession, log_changes
from exporter.state import AccountState
from tests.bitopro.answers import answer_with
from tests.clocks import ManualClock
from tests.states import ACCOUNT

pytestmark = pytest.mark.anyio

Good = Response[Snapshot]
Outcome = Good | Exception


class Script:
    """An exchange that gives scripted outcomes, the last one for ever."""

    def __init__(self, *outcomes: Outcome, on_poll: Callable[[], None] = lambda: None) -> None:
        self._outcomes = list(outcomes)
        self._on_poll = on_poll

    async def fetch(self, *_: object) -> Good:
        self._on_poll()
        outcome = self._outcomes.pop(0) if len(self._outcomes) > 1 else self._outcomes[0]
        if isinstance(outcome, Exception):
            raise outcome
        return outcome


def session_of(
    script: Script, clock: Clock, published: list[AccountState] | None = None
) -> AccountSession:
    """Return a session with the scripted exchange, which logs and keeps each state."""
    states = [] if published is None else published

    def publish(before: AccountState, after: AccountState) -> None:
        log_changes(before, after)
        states.append(after)

    return AccountSession(AccountState(ACCOUNT), cast("Exchange", script), clock, publish)


async def states_of(script: Script, time: ManualClock, draw: float = 0.0) -> list[AccountState]:
    """Run the loop until the clock stops it, and give every state that it published."""
    published: list[AccountState] = []
    polling = asyncio.create_task(
        poll_forever(
            session_of(script, time.clock, published),
            clock=time.clock,
            offset_seconds=5.0,
            draw=lambda: draw,
        )
    )
    stopping = asyncio.create_task(time.stopped.wait())
    await asyncio.wait([polling, stopping], return_when=asyncio.FIRST_COMPLETED)
    polling.cancel()
    stopping.cancel()
    await asyncio.wait([polling, stopping])
    if not polling.cancelled():
        polling.result()
    return published


@pytest.fixture
def good(documented_answer: bytes) -> Good:
    return Response(parse_snapshot(documented_answer), 0.25)


async def test_first_poll_comes_after_the_offset_and_then_one_per_interval(good: Good) -> None:
    time = ManualClock(stop_after=3)

    await states_of(Script(good), time)

    assert time.sleeps == [5.0, 15.0, 15.0]


async def test_slow_answer_does_not_delay_later_polls(good: Good) -> None:
    time = ManualClock(stop_after=3)

    await states_of(Script(good, on_poll=lambda: time.advance(4.0)), time)

    assert time.sleeps == [5.0, 11.0, 11.0]


async def test_missed_polls_are_not_made_up_for(good: Good) -> None:
    time = ManualClock(stop_after=3)

    await states_of(Script(good, on_poll=lambda: time.advance(100.0)), time)

    assert time.sleeps == [5.0, 0.0, 0.0]


async def test_step_of_the_wall_clock_moves_no_poll(good: Good) -> None:
    time = ManualClock(stop_after=3)

    def step() -> None:
        time.wall_seconds -= 3600.0

    await states_of(Script(good, on_poll=step), time)

    assert time.sleeps == [5.0, 15.0, 15.0]


async def test_every_poll_publishes_one_state(good: Good) -> None:
    published = await states_of(Script(NetworkError("no"), good), ManualClock(stop_after=3))

    assert [(state.polls, state.is_up) for state in published] == [(1, False), (2, True), (3, True)]


async def test_state_carries_duration_and_skew(good: Good) -> None:
    time = ManualClock(stop_after=1)

    published = await states_of(Script(good, on_poll=lambda: time.advance(0.5)), time)

    assert published[0].poll_duration_seconds == 0.5
    assert published[0].clock_skew_seconds == 0.25


async def test_backoff_ends_with_the_next_success(good: Good) -> None:
    time = ManualClock(stop_after=5)
    no = NetworkError("no")

    await states_of(Script(no, no, good, good), time)

    assert time.sleeps == [5.0, 15.0, 30.0, 15.0, 15.0]


async def test_bug_ends_the_loop() -> None:
    with pytest.raises(ZeroDivisionError):
        await states_of(Script(ZeroDivisionError()), ManualClock(stop_after=2))


@pytest.mark.parametrize(
    ("error", "failed_in_a_row", "draw", "seconds"),
    [
        pytest.param(NetworkError("no"), 1, 0.0, 15.0, id="first failure waits an interval"),
        pytest.param(PollTimeoutError("no"), 2, 0.0, 30.0, id="each further one doubles it"),
        pytest.param(ClockError("no"), 9, 0.0, 60.0, id="up to a minute"),
        pytest.param(NetworkError("no"), 10_000, 0.0, 60.0, id="for ever"),
        pytest.param(NetworkError("no"), 9, 0.9, 60.0, id="a minute with jitter too"),
        pytest.param(NetworkError("no"), 1, 0.5, 16.875, id="jitter adds up to a quarter"),
        pytest.param(AuthenticationError("no"), 1, 0.0, 60.0, id="bad credentials wait a minute"),
        pytest.param(RateLimitedError("no"), 1, 0.0, 60.0, id="429 without Retry-After"),
        pytest.param(RateLimitedError("no", 100.0), 1, 0.0, 100.0, id="429 with Retry-After"),
        pytest.param(RateLimitedError("no", 1e9), 1, 0.0, 300.0, id="at most five minutes"),
        pytest.param(RateLimitedError("no", 0.0), 1, 0.0, 15.0, id="at least an interval"),
    ],
)
def test_pause_after_a_failure(
    error: PollError, failed_in_a_row: int, draw: float, seconds: float
) -> None:
    assert delay_seconds(error, 15.0, failed_in_a_row, draw) == seconds


def test_long_interval_is_never_shortened() -> None:
    assert delay_seconds(AuthenticationError("no"), 600.0, 1, 0.0) == 600.0


async def test_transitions_are_logged_once(good: Good, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    no = NetworkError("no")

    await states_of(Script(good, no, no, no, good, good), ManualClock(stop_after=6))

    assert [(record.levelname, record.getMessage()) for record in caplog.records] == [
        ("INFO", "first poll succeeded"),
        ("WARNING", "poll failed"),
        ("INFO", "poll succeeded again"),
    ]


async def test_first_success_after_failures_is_the_first(
    good: Good, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)

    await states_of(Script(NetworkError("no"), good), ManualClock(stop_after=2))

    last = vars(caplog.records[-1])
    assert (last["message"], last["was"]) == ("first poll succeeded", "network")


async def test_log_names_account_reason_and_cause(caplog: pytest.LogCaptureFixture) -> None:
    await states_of(Script(NetworkError("refused")), ManualClock(stop_after=1))

    logged = vars(caplog.records[0])
    assert (logged["account"], logged["reason"], logged["detail"]) == ("main", "network", "refused")


async def test_what_is_new_in_the_answer_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    odd = Response(parse_snapshot(answer_with("adRatioLabel", "DANGER", riskLevel=1)), None)

    await states_of(Script(odd), ManualClock(stop_after=4))

    news = [vars(record) for record in caplog.records if record.levelname == "WARNING"]
    assert [(each["kind"], each["text"]) for each in news] == [
        ("field", "riskLevel"),
        ("label", "DANGER"),
    ]


async def test_backoff_starts_over_after_a_success(good: Good) -> None:
    now = ManualClock(stop_after=5)
    no = NetworkError("no")

    await states_of(Script(no, no, good, no), now)

    assert now.sleeps == [5.0, 15.0, 30.0, 15.0, 15.0]


async def test_missed_polls_are_not_made_up_for_once_polls_are_quick_again(good: Good) -> None:
    now = ManualClock(stop_after=4)
    durations = iter([100.0, 0.0, 0.0, 0.0])

    await states_of(Script(good, on_poll=lambda: now.advance(next(durations))), now)

    assert now.sleeps == [5.0, 0.0, 15.0, 15.0]


async def test_late_poll_comes_at_once_and_not_before(good: Good) -> None:
    ticks = count(0.0, 100.0)
    sleeps: list[float] = []

    async def sleep(seconds: float) -> None:
        sleeps.append(seconds)
        await asyncio.sleep(0)
        if len(sleeps) == 3:
            raise asyncio.CancelledError

    clock = Clock(monotonic=lambda: next(ticks), sleep=sleep)
    with pytest.raises(asyncio.CancelledError):
        await poll_forever(session_of(Script(good), clock), clock=clock)

    assert sleeps == [0.0, 0.0, 0.0]
