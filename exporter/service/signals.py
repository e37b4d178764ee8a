"""SIGTERM and SIGINT, either of which ends this process well at any moment of its life.

Light on imports, for this comes before all that is heavy: PID 1 is not ended by a signal that it
has no handler for.
"""

import os
import signal
from collections.abc import Callable
from types import FrameType
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop

_ENDING = (signal.SIGINT, signal.SIGTERM)


def exit_at_once_on_signal() -> None:
    """End with exit code 0 while there is nothing to stop yet, or nothing any more."""
    for each in _ENDING:
        signal.signal(each, _exit)


def stop_on_signal(
    loop: "AbstractEventLoop", stop: Callable[[str], None], within_seconds: float
) -> None:
    """Call `stop` in the loop with the signal's name; end with 0 after `within_seconds` anyhow.

    A second signal ends it at once.
    """

    def on_signal(_number: int, _frame: FrameType | None) -> None:
        exit_at_once_on_signal()
        signal.signal(signal.SIGALRM, _exit)
        signal.setitimer(signal.ITIMER_REAL, within_seconds)

    for each in _ENDING:
        loop.add_signal_handler(each, stop, each.name)
        # The loop is told by a file descriptor and puts a handler that does nothing in place;
        # ours runs in its stead, even while the loop is blocked.
        signal.signal(each, on_signal)


def end(code: int) -> NoReturn:
    """End with an exit code at once.

    The interpreter's own end takes its time and gives the handlers up first, so that our alarm
    would end the process in its own way.
    """
    os._exit(code)


def _exit(_number: int, _frame: FrameType | None) -> None:
    # Not SystemExit: whatever is running, an import or a destructor, might swallow it.
    os._exit(0)
