import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from exporter.bitopro.rate_limit import RequestBudget
from exporter.clock import Clock
from tests.clocks import ManualClock

pytestmark = pytest.mark.anyio


async def test_requests_of_all_accounts_start_a_slot_apart() -> None:
    time = ManualClock(monotonic_seconds=0.0)
    budget = RequestBudget(time.clock, requests_per_minute=120)

    starts = []
    for _ in range(4):
        await budget.take()
        starts.append(time.monotonic_seconds)

    assert starts == [0.0, 0.5, 1.0, 1.5]


async def test_unused_slots_are_not_saved_for_a_burst() -> None:
    time = ManualClock(monotonic_seconds=0.0)
    budget = RequestBudget(time.clock, requests_per_minute=120)
    time.advance(60.0)

    await budget.take()
    await budget.take()

    assert time.monotonic_seconds == 60.5


async def test_default_stays_below_the_limit_of_the_exchange() -> None:
    time = ManualClock(monotonic_seconds=0.0)
    budget = RequestBudget(time.clock)

    for _ in range(600):
        await budget.take()

    assert time.monotonic_seconds > 60.0


async def test_optional_request_gets_a_slot_that_has_passed_unused() -> None:
    time = ManualClock(monotonic_seconds=0.0)
    budget = RequestBudget(time.clock, requests_per_minute=120)
    await budget.take()

    await budget.take_when_free()

    assert time.sleeps == [1.0]


async def test_optional_request_waits_for_what_a_slot_still_lacks() -> None:
    time = ManualClock(monotonic_seconds=0.0)
    budget = RequestBudget(time.clock, requests_per_minute=120)
    await budget.take()
    time.advance(0.75)

    await budget.take_when_free()

    assert time.sleeps == [0.25]


async def test_changed_budget_makes_slots_of_another_length() -> None:
    time = ManualClock(monotonic_seconds=0.0)
    budget = RequestBudget(time.clock, requests_per_minute=120)
    await budget.take()

    budget.change(60)
    for _ in range(2):
        await budget.take()

    assert time.sleeps == [0.5, 1.0]


async def test_slot_that_is_not_free_is_not_taken() -> None:
    time = ManualClock(monotonic_seconds=0.0)
    budget = RequestBudget(time.clock, requests_per_minute=120)
    await budget.take()
    time.advance(0.9)

    assert (budget.take_if_free(), budget.take_if_free()) == (False, False)


async def test_poll_never_waits_for_an_optional_request() -> None:
    time = ManualClock(monotonic_seconds=0.0)
    budget = RequestBudget(time.clock, requests_per_minute=120)
    time.advance(7.3)
    assert budget.take_if_free()

    await budget.take()

    assert time.monotonic_seconds == 7.3


async def test_optional_requests_are_a_slot_apart_too() -> None:
    time = ManualClock(monotonic_seconds=0.0)
    budget = RequestBudget(time.clock, requests_per_minute=120)
    time.advance(60.0)

    starts = []
    for _ in range(4):
        await budget.take_when_free()
        starts.append(time.monotonic_seconds)

    assert starts == pytest.approx([60.0, 60.5, 61.0, 61.5], abs=0.01)


async def test_optional_requests_give_way_to_queued_polls() -> None:
    time = ManualClock(monotonic_seconds=0.0)
    budget = RequestBudget(time.clock, requests_per_minute=120)
    for _ in range(3):
        await budget.take()
    time.advance(0.4)

    assert not budget.take_if_free()


async def test_with_optional_requests_a_minute_stays_below_the_limit_of_the_exchange() -> None:
    time = ManualClock(monotonic_seconds=0.0)
    budget = RequestBudget(time.clock)

    for _ in range(300):
        await budget.take_when_free()
        await budget.take()

    assert time.monotonic_seconds > 60.0


async def test_gaps_that_are_each_shorter_than_a_slot_add_up_to_one() -> None:
    time = ManualClock(monotonic_seconds=0.0)
    budget = RequestBudget(time.clock, requests_per_minute=120)

    for _ in range(3):
        await budget.take()
        time.advance(0.75)

    assert (budget.take_if_free(), budget.take_if_free()) == (True, False)


async def test_no_time_is_counted_as_unused_where_polls_leave_none() -> None:
    time = ManualClock(monotonic_seconds=0.0)
    budget = RequestBudget(time.clock, requests_per_minute=120)

    for _ in range(100):
        await budget.take()

    assert not budget.take_if_free()


class Waits:
    """Who waits for a slot of half a second, in a moment that does not pass by itself."""

    def __init__(self) -> None:
        self.now = 0.0
        self.seconds: list[float] = []
        self.budget = RequestBudget(
            Clock(monotonic=lambda: self.now, sleep=self._sleep), requests_per_minute=120
        )

    async def _sleep(self, seconds: float) -> None:
        self.seconds.append(seconds)
        await asyncio.Event().wait()

    @asynccontextmanager
    async def of(self, count: int) -> AsyncIterator[list[asyncio.Task[None]]]:
        """Let so many wait, and end them."""
        tasks = [asyncio.create_task(self.budget.take()) for _ in range(count)]
        await asyncio.sleep(0)
        yield tasks
        await ended(*tasks)


async def ended(*tasks: asyncio.Task[None]) -> None:
    for each in tasks:
        each.cancel()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert {type(each) for each in results} <= {asyncio.CancelledError}


async def test_slots_of_those_who_stop_waiting_are_for_whoever_comes_next() -> None:
    waits = Waits()
    await waits.budget.take()

    for _ in range(3):
        async with waits.of(2):
            pass

    assert waits.seconds == [0.5, 1.0] * 3


async def test_slot_that_is_given_back_is_taken_once_and_no_other_moves() -> None:
    waits = Waits()
    await waits.budget.take()

    async with waits.of(3) as waiting:
        await ended(waiting[0])
        async with waits.of(2):
            pass

    assert waits.seconds == [0.5, 1.0, 1.5, 0.5, 2.0]


async def test_slot_that_is_given_back_too_late_is_gone() -> None:
    waits = Waits()
    await waits.budget.take()

    async with waits.of(2) as waiting:
        await ended(waiting[0])
        waits.now = 0.75
        async with waits.of(1):
            pass

    assert waits.seconds == [0.5, 1.0, 0.75]


async def test_time_of_slots_that_were_given_back_counts_as_unused() -> None:
    waits = Waits()
    await waits.budget.take()
    async with waits.of(2):
        pass

    waits.now = 1.0

    assert (waits.budget.take_if_free(), waits.budget.take_if_free()) == (True, False)
