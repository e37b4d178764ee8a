"""A clock that stands still until a sleep moves it, so that no test waits."""

import asyncio

from exporter.clock import Clock


class ManualClock:
    """Both clocks start at the given readings; sleeping advances them and returns at once.

    `sleeps` records every sleep in seconds. After `stop_after` of them the next one never ends,
    so that a loop under test can be cancelled.
    """

    def __init__(
        self,
        monotonic_seconds: float = 1000.0,
        wall_seconds: float = 1_700_000_000.0,
        stop_after: int | None = None,
    ) -> None:
        self.monotonic_seconds = monotonic_seconds
        self.wall_seconds = wall_seconds
        self.sleeps: list[float] = []
        self.stopped = asyncio.Event()
        self._stop_after = stop_after

    @property
    def clock(self) -> Clock:
        """The clock to pass in."""
        return Clock(
            wall=lambda: self.wall_seconds,
            monotonic=lambda: self.monotonic_seconds,
            sleep=self.sleep,
        )

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self.monotonic_seconds += seconds
        self.wall_seconds += seconds

    async def sleep(self, seconds: float) -> None:
        """Advance both clocks, unless enough sleeps were seen."""
        if len(self.sleeps) == self._stop_after:
            self.stopped.set()
            await asyncio.Event().wait()
        self.sleeps.append(seconds)
        self.advance(seconds)
