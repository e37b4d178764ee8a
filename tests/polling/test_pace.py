"""Accounts in danger are polled more often, within the budget and at no other's expense."""

import asyncio
import heapq
from collections import defaultdict
from dataclasses import replace
from itertools import count, pairwise
from typing import cast

import pytest

from exporter.bitopro.balances import Snapshot, parse_snapshot
from exporter.bitopro.client import Exchange, Response
from exporter.bitopro.rate_limit import RequestBudget
from exporter.clock import Clock
from exporter.errors import AuthenticationError, NetworkError, PollError, RateLimitedError
from exporter.polling.poller import Pace, poll_forever
from exporter.polling.session import AccountSession
from exporter.state import Account, AccountState
from tests.bitopro.answers import answer_with
from tests.positions import POSITIONS, answer
from tests.states import ACCOUNT, at, polled

pytestmark = pytest.mark.anyio

HURRIED = replace(ACCOUNT, danger_poll_interval_seconds=3.0)
REQUESTS_PER_MINUTE = 540


def at_ratio(ratio: float, account: Account = HURRIED) -> AccountState:
    """Return the state of an account that owes the unit, at that ratio."""
    body = answer((f"{ratio * 10_000:.2f}", "10000"), {"USDT": ("1", "10000", "0")})
    return polled(body, account=account)


def pace_of(accounts: int, requests_per_minute: int = REQUESTS_PER_MINUTE) -> Pace:
    """Return the pace of so many accounts, of which the first is called main."""
    pace = Pace()
    pace.change(["main", *map(str, range(1, accounts))], requests_per_minute)
    return pace


@pytest.mark.parametrize(
    ("state", "seconds"),
    [
        pytest.param(at_ratio(1.874), 3.0, id="below 1.25 of the warning threshold"),
        pytest.param(at_ratio(1.876), 15.0, id="above"),
        pytest.param(polled(POSITIONS["long"].body, account=HURRIED), 3.0, id="a long at 1.872"),
        pytest.param(
            polled(answer_with("adRatioLabel", "CAUTION"), account=HURRIED), 3.0, id="label"
        ),
        pytest.param(
            polled(
                answer_with("adRatioLabel", "CAUTION"),
                account=replace(HURRIED, safe_labels=frozenset({"CAUTION"})),
            ),
            15.0,
            id="a label that is safe",
        ),
        pytest.param(AccountState(HURRIED), 15.0, id="never polled"),
        pytest.param(
            at_ratio(1.3).after_failure(NetworkError("no"), at(15.0)), 3.0, id="blind since"
        ),
        pytest.param(at_ratio(1.3, ACCOUNT), 15.0, id="switched off"),
    ],
)
def test_interval_is_that_of_danger_while_an_account_is_near(
    state: AccountState, seconds: float
) -> None:
    assert pace_of(1).interval_seconds(state) == seconds


def test_distance_counts_where_the_ratio_is_far() -> None:
    # Short of bitcoin at twice the debt: a rise by 67 % would do it.
    position = POSITIONS["short"]
    wide = replace(
        HURRIED, thresholds=replace(HURRIED.thresholds, distance_warning=0.9, warning=1.3)
    )
    state = polled(position.body, account=wide).assessed(position.market, 0.0)

    assert pace_of(1).interval_seconds(state) == 3.0


def test_danger_is_over_with_the_debt() -> None:
    body = answer(("100", "0"), {"USDT": ("100", "0", "0")})

    assert pace_of(1).interval_seconds(polled(body, account=HURRIED)) == 15.0


@pytest.mark.parametrize(
    ("accounts", "in_danger", "seconds"),
    [
        (1, 1, 3.0),
        (25, 25, 3.0),
        # 540 requests a minute, less 5 and one each for what is optional.
        (27, 27, 60 * 27 / (540 - 5 - 27)),
        (50, 50, 60 * 50 / (540 - 5 - 50)),
        # 90 others take 360 a minute.
        (100, 10, 60 * 10 / (540 - 5 - 100 - 360)),
        # Nothing is left.
        (135, 5, 15.0),
    ],
)
def test_budget_is_shared_evenly_by_those_in_danger(
    accounts: int, in_danger: int, seconds: float
) -> None:
    pace = pace_of(accounts)
    names = ["main", *map(str, range(1, in_danger))]

    intervals = [
        pace.interval_seconds(at_ratio(1.3, replace(HURRIED, name=name))) for name in names
    ]

    assert intervals[-1] == pytest.approx(seconds)
    assert intervals == sorted(intervals)


def test_account_that_is_gone_takes_no_share() -> None:
    pace = pace_of(110)
    for name in ["main", *map(str, range(1, 10))]:
        pace.interval_seconds(at_ratio(1.3, replace(HURRIED, name=name)))

    pace.change(["main"], REQUESTS_PER_MINUTE)

    assert pace.interval_seconds(at_ratio(1.3)) == 3.0


class Timeline:
    """Time that goes to the next sleeper's end as soon as no task has anything to do."""

    def __init__(self) -> None:
        self.now = 0.0
        self._order = count()
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []
        self.clock = Clock(wall=lambda: self.now, monotonic=lambda: self.now, sleep=self._sleep)

    async def _sleep(self, seconds: float) -> None:
        future = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self.now + seconds, next(self._order), future))
        await future

    async def run_until(self, end: float) -> None:
        """Let time pass."""
        while True:
            # Each step of a poll is one turn of the loop.
            for _ in range(10):
                await asyncio.sleep(0)
            if self._sleepers[0][0] > end:
                return
            self.now, _, future = heapq.heappop(self._sleepers)
            if not future.done():
                future.set_result(None)


class Swinging:
    """An exchange whose first accounts come into danger and out of it, a minute each."""

    def __init__(self, number: int, timeline: Timeline, budget: RequestBudget) -> None:
        self.number, self._timeline, self._budget = number, timeline, budget
        self.asked_at: list[float] = []
        self.polled_at: list[float] = []

    @property
    def is_in_danger(self) -> bool:
        """Whether it is now."""
        return self.number < 10 and int(self._timeline.now / 60 + self.number / 3) % 2 == 1

    async def fetch(self, *_: object) -> Response[Snapshot]:
        self.asked_at.append(self._timeline.now)
        await self._budget.take()
        self.polled_at.append(self._timeline.now)
        total = "13000" if self.is_in_danger else "90000"
        body = answer((total, "10000"), {"USDT": ("1", "10000", "0")})
        return Response(parse_snapshot(body), 0.0)


async def test_ten_of_thirty_that_come_and_go_put_nobody_off_and_keep_to_the_budget() -> None:
    timeline = Timeline()
    budget = RequestBudget(timeline.clock, REQUESTS_PER_MINUTE)
    names = [f"account-{number}" for number in range(30)]
    pace = Pace()
    pace.change(names, REQUESTS_PER_MINUTE)
    exchanges = [Swinging(number, timeline, budget) for number in range(30)]
    tasks = [
        asyncio.create_task(
            poll_forever(
                AccountSession(
                    AccountState(replace(HURRIED, name=name)),
                    cast("Exchange", exchange),
                    timeline.clock,
                ),
                clock=timeline.clock,
                offset_seconds=exchange.number * 0.5,
                pace=pace.interval_seconds,
            )
        )
        for name, exchange in zip(names, exchanges, strict=True)
    ]
    await timeline.run_until(1200.0)
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)

    waits = [
        polled_at - asked_at
        for each in exchanges
        for asked_at, polled_at in zip(each.asked_at, each.polled_at, strict=False)
    ]
    gaps = [b - a for each in exchanges for a, b in pairwise(each.polled_at)]
    by_minute: dict[int, int] = defaultdict(int)
    for each in exchanges:
        for polled_at in each.polled_at:
            by_minute[int(polled_at // 60)] += 1
    assert max(waits) < 1.5
    assert max(gaps) < 15.0 + 1.5
    assert max(by_minute.values()) <= REQUESTS_PER_MINUTE
    # Half of the time in danger: 10 polls a minute and account more than without.
    swinging = [len(each.polled_at) for each in exchanges[:10]]
    assert min(swinging) > 200
    assert {len(each.polled_at) for each in exchanges[10:]} == {80}


class Refusing(Swinging):
    """An exchange that shows danger once, and then fails."""

    def __init__(self, timeline: Timeline, budget: RequestBudget, error: PollError) -> None:
        super().__init__(1, timeline, budget)
        self._error = error

    @property
    def is_in_danger(self) -> bool:
        return True

    async def fetch(self, *_: object) -> Response[Snapshot]:
        response = await super().fetch()
        if len(self.polled_at) > 1:
            raise self._error
        return response


@pytest.mark.parametrize(
    ("error", "gaps"),
    [
        pytest.param(NetworkError("no"), [3.0, 3.0, 3.0, 3.0], id="no doubling"),
        pytest.param(AuthenticationError("no"), [3.0, 60.0, 60.0], id="401 waits a minute"),
        pytest.param(RateLimitedError("no", 30.0), [3.0, 30.0, 30.0], id="429 waits as asked"),
    ],
)
async def test_after_a_failed_poll_in_danger_the_next_try_is_soon(
    error: PollError, gaps: list[float]
) -> None:
    timeline = Timeline()
    exchange = Refusing(timeline, RequestBudget(timeline.clock), error)
    session = AccountSession(AccountState(HURRIED), cast("Exchange", exchange), timeline.clock)
    polling = asyncio.create_task(
        poll_forever(
            session, clock=timeline.clock, draw=lambda: 0.0, pace=pace_of(1).interval_seconds
        )
    )
    await timeline.run_until(130.0)
    polling.cancel()
    await asyncio.wait([polling])

    assert [b - a for a, b in pairwise(exchange.polled_at)][: len(gaps)] == pytest.approx(gaps)
    assert session.state.interval_seconds == 3.0
