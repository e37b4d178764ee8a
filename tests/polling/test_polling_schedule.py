"""The schedule of polls, against a clock of its own."""

import asyncio
from itertools import count
from typing import cast

import pytest

from exporter.bitopro.balances import parse_snapshot
from exporter.bitopro.client import Exchange, Poll
from exporter.clock import Clock
from exporter.errors import NetworkError
from exporter.polling.poller import poll_forever
from exporter.state import AccountState
from tests.clocks import ManualClock
from tests.polling.test_poller import Script, states_of
from tests.states import ACCOUNT

pytestmark = pytest.mark.anyio


@pytest.fixture
def good(documented_answer: bytes) -> Poll:
    return Poll(parse_snapshot(documented_answer), None)


async def test_backoff_begins_anew_after_a_success(good: Poll) -> None:
    now = ManualClock(stop_after=5)
    no = NetworkError("no")

    await states_of(Script(no, no, good, no), now)

    assert now.sleeps == [5.0, 15.0, 30.0, 15.0, 15.0]


async def test_missed_polls_are_not_made_up_for_once_polls_are_quick_again(good: Poll) -> None:
    now = ManualClock(stop_after=4)
    durations = iter([100.0, 0.0, 0.0, 0.0])

    await states_of(Script(good, on_poll=lambda: now.advance(next(durations))), now)

    assert now.sleeps == [5.0, 0.0, 15.0, 15.0]


async def test_late_poll_comes_at_once_and_not_before(good: Poll) -> None:
    ticks = count(0.0, 100.0)
    sleeps: list[float] = []

    async def sleep(seconds: float) -> None:
        sleeps.append(seconds)
        await asyncio.sleep(0)
        if len(sleeps) == 3:
            raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        await poll_forever(
            AccountState(ACCOUNT),
            cast("Exchange", Script(good)),
            lambda _: None,
            clock=Clock(monotonic=lambda: next(ticks), sleep=sleep),
        )

    assert sleeps == [0.0, 0.0, 0.0]
