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
