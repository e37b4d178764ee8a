"""How many clients there may be at once: whoever enters a full room sends the oldest away.

An honest scrape is over in a moment, so the oldest is hardly ever an honest one. To turn the newest
away instead would leave scrapes outside for as long as hostile clients fill the room.
"""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import cast


class Room:
    """Tasks that are inside. `on_push` is called whenever one had to make room."""

    def __init__(self, places: int, on_push: Callable[[], None]) -> None:
        self._places = places
        self._on_push = on_push
        # A dictionary for its order: of entry.
        self._inside: dict[asyncio.Task[object], None] = {}

    @contextmanager
    def place(self) -> Iterator[None]:
        """Hold a place for the present task; in a full room the oldest task is cancelled for it."""
        if len(self._inside) >= self._places:
            oldest = next(iter(self._inside))
            del self._inside[oldest]
            oldest.cancel()
            self._on_push()
        # Nothing runs on the loop but tasks.
        task = cast("asyncio.Task[object]", asyncio.current_task())
        self._inside[task] = None
        try:
            yield
        finally:
            self._inside.pop(task, None)
