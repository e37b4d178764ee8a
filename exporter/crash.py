"""A part of the running exporter that fails unexpectedly ends the process."""

import asyncio
import logging
import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from exporter.errors import EXIT_INTERNAL

# A poller that died must not be outlived by a page that still answers, whatever cleaning up does.
# A second is promised; the rest is for a busy machine.
_DYING_SECONDS = 0.5

logger = logging.getLogger(__name__)


class ExitOnFailure:
    """Ends the process as soon as a part of it ends that was not asked to stop."""

    def __init__(self, stopped: asyncio.Event) -> None:
        self._stopped = stopped
        self._is_dying = False

    @contextmanager
    def over(self, part: str, is_retired: Callable[[], bool] = lambda: False) -> Iterator[None]:
        """Watch over a part, `part` being its name in the log.

        `is_retired` says whether this part alone was asked to stop.
        """
        try:
            yield
        finally:
            # Finally: a return or a stray cancellation, which a task group takes for a good end, is
            # as deadly as an exception.
            if not (self._stopped.is_set() or self._is_dying or is_retired()):
                self._is_dying = True
                logger.error(
                    "task failed unexpectedly; exiting",
                    exc_info=sys.exc_info(),
                    extra={"part": part},
                )
                exit_after(_DYING_SECONDS, EXIT_INTERNAL)


def exit_after(seconds: float, code: int) -> None:
    """End the process with `code`, come what may, unless it has ended by itself before."""
    timer = threading.Timer(seconds, os._exit, (code,))
    timer.daemon = True
    timer.start()
