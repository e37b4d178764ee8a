"""Who asks next for what is due: shared by the loops of all accounts, or one loop's own."""

import math
from collections.abc import Mapping


class Rota:
    """Times at which things are due, on a grid of their intervals that begins at `now`.

    Whoever comes first when one is due takes it; nobody else does before the next time, unless it
    is given back.
    """

    def __init__(self, intervals_seconds: Mapping[str, float], now: float) -> None:
        self._intervals_seconds = intervals_seconds
        self._due = dict.fromkeys(intervals_seconds, now)
        self._returned: set[str] = set()

    def is_due(self, name: str, now: float) -> bool:
        """Tell whether it is time for it; never for what is not on the rota."""
        return name in self._returned or now >= self._due.get(name, math.inf)

    def take(self, name: str, now: float) -> None:
        """Take what is due: the next time is the next one on the grid."""
        self._returned.discard(name)
        if now >= self._due[name]:
            interval_seconds = self._intervals_seconds[name]
            missed = math.floor((now - self._due[name]) / interval_seconds)
            self._due[name] += (missed + 1) * interval_seconds

    def give_back(self, name: str) -> None:
        """Let it be due at once, for whoever took it has failed."""
        if name in self._due:
            self._returned.add(name)

    def change(self, intervals_seconds: Mapping[str, float], now: float) -> None:
        """Put other things on the rota, or other intervals; what was due stays due."""
        self._intervals_seconds = intervals_seconds
        self._due = {
            name: min(self._due.get(name, now), now + interval_seconds)
            for name, interval_seconds in intervals_seconds.items()
        }
        self._returned &= set(intervals_seconds)
