"""Time, passed in wherever it is needed, so that tests decide what it is."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial

# How late a sleep may end after the machine itself has slept, which loops do not count.
LONGEST_NAP_SECONDS = 5.0

monotonic_seconds: Callable[[], float] = (
    partial(time.clock_gettime, time.CLOCK_BOOTTIME)
    if hasattr(time, "CLOCK_BOOTTIME")
    else time.monotonic
)
"""Return seconds that never go back, and that count suspends and paused machines where the system
tells them apart (Linux: CLOCK_BOOTTIME; Python's own monotonic clock stands still meanwhile).
"""


async def sleep(seconds: float, monotonic: Callable[[], float] = monotonic_seconds) -> None:
    """Return once so many `seconds` have passed, or a nap after that if the machine was suspended.

    asyncio sleeps by a clock that stands still during a suspend, so a long sleep is taken in naps.
    """
    until = monotonic() + seconds
    left = seconds
    while left > LONGEST_NAP_SECONDS:
        await asyncio.sleep(LONGEST_NAP_SECONDS)
        left = until - monotonic()
    await asyncio.sleep(max(0.0, left))


@dataclass(frozen=True, slots=True)
class Clock:
    """Unix time for people and nonces, monotonic time for ages and schedules; all in seconds."""

    wall: Callable[[], float] = time.time
    monotonic: Callable[[], float] = monotonic_seconds
    sleep: Callable[[float], Awaitable[None]] = sleep
