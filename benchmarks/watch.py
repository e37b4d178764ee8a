"""The longest step of an event loop."""

import asyncio
import time


class Watch:
    """Times every step of the loops of this process, from its creation on."""

    def __init__(self) -> None:
        self._cpu_seconds = 0.0
        self._wall_seconds = 0.0
        run = asyncio.Handle._run  # noqa: SLF001 - every step of a loop is a call of it

        def timed(handle: asyncio.Handle) -> None:
            cpu, wall = time.thread_time(), time.perf_counter()
            run(handle)
            self._cpu_seconds = max(self._cpu_seconds, time.thread_time() - cpu)
            self._wall_seconds = max(self._wall_seconds, time.perf_counter() - wall)

        asyncio.Handle._run = timed  # type: ignore[method-assign,assignment]  # noqa: SLF001 - likewise

    def longest(self) -> tuple[float, float]:
        """Return CPU time and time on the wall of the longest steps since the last call."""
        longest = self._cpu_seconds, self._wall_seconds
        self._cpu_seconds = self._wall_seconds = 0.0
        return longest
