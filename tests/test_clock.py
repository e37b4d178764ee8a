"""The clock of ages counts the time for which the machine slept."""

import shutil
import subprocess
import sys
import time

import pytest

from exporter.clock import LONGEST_NAP_SECONDS, Clock, sleep

pytestmark = pytest.mark.anyio

AHEAD_SECONDS = 7200
AGES = (
    "from exporter.clock import Clock; import time; print(Clock().monotonic() - time.monotonic())"
)


def test_ages_are_those_of_the_clock_that_counts_a_suspend() -> None:
    assert Clock().monotonic() == pytest.approx(time.clock_gettime(time.CLOCK_BOOTTIME), abs=60.0)


def test_suspend_of_two_hours_makes_ages_two_hours_older() -> None:
    # A namespace of time in which the machine has slept for so long; only root may make one.
    unshare = shutil.which("unshare")
    assert unshare is not None
    command = [unshare, "--user", "--map-root-user", "--time", "--fork"]

    def difference(*more: str) -> float:
        text = subprocess.run(
            [*command, *more, sys.executable, "-c", AGES],
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        return float(text)

    assert difference("--boottime", str(AHEAD_SECONDS)) - difference() == pytest.approx(
        AHEAD_SECONDS, abs=5.0
    )


async def test_long_sleep_ends_a_nap_after_the_machine_has_woken(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    naps: list[float] = []
    now = 0.0

    async def nap(seconds: float) -> None:
        nonlocal now
        naps.append(seconds)
        # Two hours of suspend during the second nap.
        now += seconds + (AHEAD_SECONDS if len(naps) == 2 else 0)

    monkeypatch.setattr("asyncio.sleep", nap)

    await sleep(60.0, lambda: now)

    assert naps == [LONGEST_NAP_SECONDS, LONGEST_NAP_SECONDS, 0.0]
