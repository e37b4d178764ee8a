"""The one budget of requests that all accounts of this process share."""

from exporter.clock import Clock

# The exchange allows so many per address; the rest is for retries and for other programs.
MAX_REQUESTS_PER_MINUTE = 600
REQUESTS_PER_MINUTE = 540


# The shortest nap, so that a clock's rounding does not make a loop spin.
_SHORTEST_SECONDS = 0.001


class RequestBudget:
    """Slots at equal distances: request n starts no earlier than one slot after request n - 1.

    What is optional gets slots that have passed unused, and only the last one of them: a poll never
    waits for it, and no minute has more than two requests above the budget.
    """

    def __init__(self, clock: Clock, requests_per_minute: float = REQUESTS_PER_MINUTE) -> None:
        self._clock = clock
        self._slot_seconds = 60.0 / requests_per_minute
        self._next_monotonic_seconds = clock.monotonic()

    def change(self, requests_per_minute: float) -> None:
        """Let slots that are not taken yet be as long as this makes them."""
        self._slot_seconds = 60.0 / requests_per_minute

    async def take(self) -> None:
        """Wait for the next free slot and take it."""
        now = self._clock.monotonic()
        slot = max(now, self._next_monotonic_seconds)
        self._next_monotonic_seconds = slot + self._slot_seconds
        if slot > now:
            await self._clock.sleep(slot - now)

    def take_if_free(self) -> bool:
        """Take the slot that ends now, if nobody has used it; tell whether that was so."""
        now = self._clock.monotonic()
        if now < self._next_monotonic_seconds + self._slot_seconds:
            return False
        self._next_monotonic_seconds = now
        return True

    async def take_when_free(self) -> None:
        """Wait until a slot has passed unused, and take it."""
        while not self.take_if_free():
            free_at = self._next_monotonic_seconds + self._slot_seconds
            wait_seconds = free_at - self._clock.monotonic()
            await self._clock.sleep(max(_SHORTEST_SECONDS, wait_seconds))
