"""The wall clock may step while the exporter runs; the exchange's does not."""

import pytest

from exporter.simulator import Simulator
from tests.process.conftest import Starter, WallClock
from tests.process.running import Running, environment

HOUR_SECONDS = 3600

ACCOUNT = '{account="default"}'
UP = f"up{ACCOUNT}"
POLLS = f"polls_total{ACCOUNT}"
CLOCK_FAILURES = 'poll_failures_total{account="default",reason="clock"}'


@pytest.fixture
def exporter(start: Starter, simulator: Simulator, wall_clock: WallClock) -> Running:
    """An exporter on that clock."""
    return start(variables={**environment(simulator.base_url), **wall_clock.variables})


def test_clock_an_hour_ahead_moves_no_age_and_nonces_recover_within_two_polls(
    exporter: Running, wall_clock: WallClock
) -> None:
    exporter.shows(UP, 1)

    wall_clock.step(+HOUR_SECONDS)
    ahead = exporter.shows(CLOCK_FAILURES, 1)
    wall_clock.step(0)
    corrected = exporter.shows(UP, 1)

    assert ahead.value(UP) == 0
    assert ahead.balances() != []
    assert corrected.count(POLLS) - ahead.count(POLLS) <= 2


def test_clock_an_hour_behind_moves_neither_schedule_nor_ages(
    exporter: Running, wall_clock: WallClock
) -> None:
    exporter.shows(UP, 1)

    wall_clock.step(-HOUR_SECONDS)
    behind = exporter.shows(POLLS, 2)
    wall_clock.step(0)
    corrected = exporter.shows(POLLS, 4)

    assert behind.value("clock_skew_seconds" + ACCOUNT) == pytest.approx(-HOUR_SECONDS, abs=3)
    assert behind.balances() != []
    assert corrected.value(UP) == 1
    assert corrected.value(CLOCK_FAILURES) == 0
