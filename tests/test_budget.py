import pytest

from exporter.budget import RequestBudget
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

    assert time.monotonic_seconds == pytest.approx(1.0, abs=0.01)


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
