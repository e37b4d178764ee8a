"""The wall clock may step while the exporter runs; the exchange's does not."""

from pathlib import Path

import pytest

from exporter.simulator import Simulator
from tests.process.conftest import Starter
from tests.process.running import Running, environment

LIBRARIES = sorted(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"))
HOUR_SECONDS = 3600

ACCOUNT = '{account="default"}'
UP = f"up{ACCOUNT}"
POLLS = f"polls_total{ACCOUNT}"
CLOCK_FAILURES = 'poll_failures_total{account="default",reason="clock"}'


class WallClock:
    """The wall clock of a process started with `variables`, off by so many seconds."""

    def __init__(self, folder: Path, library: Path) -> None:
        self._path = folder / "offset"
        self.step(0)
        self.variables = {
            "LD_PRELOAD": str(library),
            "FAKETIME_TIMESTAMP_FILE": str(self._path),
            "FAKETIME_NO_CACHE": "1",
            "DONT_FAKE_MONOTONIC": "1",
        }

    def step(self, offset_seconds: int) -> None:
        """Set it to real time and so many seconds."""
        # In one step, for it is read all the time.
        written = self._path.with_suffix(".new")
        written.write_text(f"{offset_seconds:+d}\n")
        written.rename(self._path)


@pytest.fixture
def wall_clock(tmp_path: Path) -> WallClock:
    """A wall clock to be set at will."""
    if not LIBRARIES:
        pytest.skip("libfaketime is missing: install Debian's package libfaketime")
    return WallClock(tmp_path, LIBRARIES[0])


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
