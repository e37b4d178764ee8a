"""The one budget of requests that all accounts of this process share."""

from asyncio import CancelledError

from exporter.clock import Clock

# The exchange allows so many per address; the rest is for retries and for other programs.
MAX_REQUESTS_PER_MINUTE = 600
REQUESTS_PER_MINUTE = 540


# The shortest nap, so that a clock's rounding does not make a loop spin.
_SHORTEST_SECONDS = 0.001


class RequestBudget:
    """Slots at equal distances: request n starts no earlier than one slot after request n - 1.

    What is optional is paid for with time that polls have left unused, of which one slot is kept: a
    poll never waits for it, and no minute has more than two requests above the budget.

    Cancelling a wait returns its slot. Otherwise a few reloads in a row, each
    of which ends pollers that wait, would put all later polls off for minutes.
    """

    def __init__(self, clock: Clock, requests_per_minute: float = REQUESTS_PER_MINUTE) -> None:
        self._clock = clock
        self._slot_seconds = 60.0 / requests_per_minute
        self._next_monotonic_seconds = clock.monotonic()
        self._unused_seconds = 0.0
        # Begin and end of each that was returned.
        self._given_back: list[tuple[float, float]] = []

    def change(self, requests_per_minute: float) -> None:
        """Let slots that are not taken yet be as long as this makes them."""
        self._slot_seconds = 60.0 / requests_per_minute

    async def take(self) -> None:
        """Wait for the next free slot and take it."""
        now = self._clock.monotonic()
        begin, end = self._first_free(now)
        if begin <= now:
            return
        try:
            await self._clock.sleep(begin - now)
        except CancelledError:
            self._give_back(begin, end)
            raise

    def take_if_free(self) -> bool:
        """Take the time of one slot, if so much was left unused; return whether that was so."""
        self._count_unused(self._clock.monotonic())
        if self._unused_seconds < self._slot_seconds:
            return False
        self._unused_seconds = 0.0
        return True

    async def take_when_free(self) -> None:
        """Wait until the time of one slot was left unused, and take it."""
        while not self.take_if_free():
            lacking_seconds = self._slot_seconds - self._unused_seconds
            free_at = self._next_monotonic_seconds + lacking_seconds
            wait_seconds = free_at - self._clock.monotonic()
            await self._clock.sleep(max(_SHORTEST_SECONDS, wait_seconds))

    def _first_free(self, now: float) -> tuple[float, float]:
        """Take the first slot that begins now or later."""
        self._given_back = [each for each in self._given_back if each[0] >= now]
        if self._given_back:
            first = min(self._given_back)
            self._given_back.remove(first)
            return first
        self._count_unused(now)
        begin = max(now, self._next_monotonic_seconds)
        self._next_monotonic_seconds = begin + self._slot_seconds
        return begin, self._next_monotonic_seconds

    def _give_back(self, begin: float, end: float) -> None:
        """Let others have a slot that was not used; time after the last one is no slot at all."""
        self._given_back.append((begin, end))
        ends = {each[1]: each for each in self._given_back}
        while last := ends.pop(self._next_monotonic_seconds, None):
            self._given_back.remove(last)
            self._next_monotonic_seconds = last[0]

    def _count_unused(self, now: float) -> None:
        """Add what has passed since the last slot ended, though it be less than a slot."""
        passed_seconds = now - self._next_monotonic_seconds
        if passed_seconds > 0.0:
            self._unused_seconds = min(self._slot_seconds, self._unused_seconds + passed_seconds)
            self._next_monotonic_seconds = now
