"""The one budget of requests that all accounts of this process share."""

from exporter.clock import Clock

# The exchange allows 600 a minute per address; the rest is for retries and for other programs.
REQUESTS_PER_MINUTE = 540


class RequestBudget:
    """Slots at equal distances: request n starts no earlier than one slot after request n - 1."""

    def __init__(self, clock: Clock, requests_per_minute: float = REQUESTS_PER_MINUTE) -> None:
        self._clock = clock
        self._slot_seconds = 60.0 / requests_per_minute
        self._next_monotonic_seconds = clock.monotonic()

    async def take(self) -> None:
        """Wait for the next free slot and take it."""
        now = self._clock.monotonic()
        slot = max(now, self._next_monotonic_seconds)
        self._next_monotonic_seconds = slot + self._slot_seconds
        if slot > now:
            await self._clock.sleep(slot - now)
