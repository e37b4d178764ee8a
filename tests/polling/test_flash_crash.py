"""The flash crash as the exporter sees it, a poll every quarter minute of simulated time."""

import asyncio
import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

import pytest
from prometheus_client.parser import text_string_to_metric_families

from exporter.bitopro.endpoints import BALANCES, BORROW_TERMS, MARK_PRICE
from exporter.bitopro.transport import Connection
from exporter.metrics.negotiation import Format
from exporter.metrics.page import Exposition
from exporter.polling.optional import OptionalRequests, Schedule, SharedMarket
from exporter.polling.session import AccountSession
from exporter.risk import assess
from exporter.service.process import client_ssl_context
from exporter.simulator import Simulator, SimulatorConfig
from exporter.state import Account, AccountState, MarketState
from tests.clocks import ManualClock
from tests.exchanges import exchange_at

POLL_SECONDS = 15
# The crash is over after a quarter of an hour; five minutes more are to pass without news.
STORY_SECONDS = 1200


@dataclass(frozen=True)
class Moment:
    """What is known at a simulated second."""

    second: int
    distance: Decimal | None
    liquidations: float | None
    repaid: float | None


class Watching:
    """An exporter's loop of one account, on the clock of the story."""

    def __init__(self, simulator: Simulator, connection: Connection, time: ManualClock) -> None:
        clock = time.clock
        account = Account(
            name="main",
            base_url=simulator.base_url,
            poll_interval_seconds=POLL_SECONDS,
            stale_after_seconds=3.0 * POLL_SECONDS,
        )
        self._time = time
        self._exposition = Exposition(clock.monotonic)
        exchange = exchange_at(account.base_url, connection, clock=clock)
        self._session = AccountSession(
            AccountState(account), exchange, clock, lambda _, state: self._exposition.put(state)
        )
        schedule = Schedule({MARK_PRICE.name: POLL_SECONDS, BORROW_TERMS.name: 300.0}, 0.0)
        self._market = SharedMarket(schedule, self._exposition.put_market)
        self._market.record(MarketState(account.stale_after_seconds))
        self._optional_requests = OptionalRequests(self._session, self._market, clock=clock)

    async def moment(self) -> Moment:
        """Poll, ask for what is due, give what is known then, and let time pass."""
        second = int(self._time.monotonic_seconds)
        outcome = await self._session.fetch(BALANCES)
        assert outcome.error is None
        self._session.record(outcome.state)
        await self._optional_requests.ask_due(None, second + POLL_SECONDS)
        moment = Moment(
            second,
            self._distance(),
            self._shown("liquidations_total"),
            self._shown("last_liquidation_debt_amount"),
        )
        self._time.advance(POLL_SECONDS)
        return moment

    def _distance(self) -> Decimal | None:
        state, prices = self._session.state, self._market.state.prices
        assert state.snapshot is not None
        assert prices is not None
        risk = assess(state.snapshot, prices.prices, {}, state.account.thresholds)
        return risk.liquidation_distance["liquidation"]

    def _shown(self, name: str) -> float | None:
        page = self._exposition.page(Format.TEXT).decode()
        values = [
            sample.value
            for family in text_string_to_metric_families(page)
            for sample in family.samples
            if sample.name == f"bitopro_margin_{name}"
        ]
        return values[0] if values else None


async def told() -> Sequence[Moment]:
    time = ManualClock(monotonic_seconds=0.0)
    simulator = Simulator(
        SimulatorConfig(port=0, scenario="flash-crash", rate_limit=1_000_000),
        wall=time.clock.wall,
        monotonic=time.clock.monotonic,
    )
    async with simulator, Connection(client_ssl_context()) as connection:
        watching = Watching(simulator, connection, time)
        return [await watching.moment() for _ in range(0, STORY_SECONDS + 1, POLL_SECONDS)]


@pytest.fixture(scope="module")
def story() -> Sequence[Moment]:
    """Every poll of it."""
    return asyncio.run(told())


def distances(story: Sequence[Moment], first: int, last: int) -> list[Decimal]:
    """Return those of a stretch of time, in which each is known."""
    found = [each.distance for each in story if first <= each.second <= last]
    known = [each for each in found if each is not None]
    assert len(known) == len(found)
    return known


def test_distance_shrinks_to_nothing_before_the_liquidation(story: Sequence[Moment]) -> None:
    shrinking = distances(story, 60, 630)
    at_nothing = [each.second for each in story if each.distance == 0]
    liquidated = [each.second for each in story if each.liquidations]

    assert all(later < earlier for earlier, later in itertools.pairwise(shrinking))
    assert Decimal("0.36") < shrinking[0] < Decimal("0.37")
    # The exchange looks for accounts to liquidate once a minute, and finds it at 660.
    assert at_nothing == [630, 645]
    assert liquidated[0] == 660


def test_liquidation_is_counted_once_however_often_it_is_listed(story: Sequence[Moment]) -> None:
    counts = [each.liquidations for each in story]

    assert counts == [0.0] * 44 + [1.0] * 37


def test_liquidation_shows_what_was_repaid_and_gives_distance_back(story: Sequence[Moment]) -> None:
    before = [each for each in story if each.second < 660]
    after = [each for each in story if each.second >= 660]

    assert {each.repaid for each in before} == {None}
    assert {each.repaid for each in after} == {24839.85949769}
    assert min(distances(story, 660, STORY_SECONDS)) > Decimal("0.17")
