"""The signals that end this process well at any moment of its life: SIGTERM and SIGINT, or more.

Light on imports, because this comes before all that is heavy: PID 1 is not ended by a signal for
which it has no handler.
"""

import os
import signal
from collections.abc import Callable
from types import FrameType
from typing import TYPE_CHECKING, NamedTuple, NoReturn

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop


def _nothing() -> None:
    pass


class Ending(NamedTuple):
    """Which signals end a process, and how it ends when it cannot do so in its own way.

    That is so while there is nothing to stop yet or nothing any more, after a second signal, and
    when stopping takes too long: `last_act` is called, and the exit code is `code`.
    """

    signals: tuple[signal.Signals, ...] = (signal.SIGINT, signal.SIGTERM)
    code: int = 0
    last_act: Callable[[], None] = _nothing


DEFAULT_ENDING = Ending()


def all_ending_signals() -> tuple[signal.Signals, ...]:
    """Return SIGINT, SIGTERM, SIGHUP and SIGQUIT, but for the last two where they are ignored.

    SIGHUP comes when the terminal goes, as with a dropped SSH session; `nohup` ignores it.
    """
    others = (signal.SIGHUP, signal.SIGQUIT)
    heeded = tuple(each for each in others if signal.getsignal(each) is not signal.SIG_IGN)
    return (*DEFAULT_ENDING.signals, *heeded)


def exit_at_once_on_signal(ending: Ending = DEFAULT_ENDING) -> None:
    """End at once while there is nothing to stop yet, or nothing any more."""
    for each in ending.signals:
        signal.signal(each, _exit_by(ending))


def stop_on_signal(
    loop: "AbstractEventLoop",
    stop: Callable[[str], None],
    within_seconds: float,
    ending: Ending = DEFAULT_ENDING,
) -> None:
    """Call `stop` in the loop with the signal's name; end after `within_seconds` anyhow.

    A second signal ends it at once.
    """

    def on_signal(_number: int, _frame: FrameType | None) -> None:
        exit_at_once_on_signal(ending)
        signal.signal(signal.SIGALRM, _exit_by(ending))
        signal.setitimer(signal.ITIMER_REAL, within_seconds)

    for each in ending.signals:
        loop.add_signal_handler(each, stop, each.name)
        # The loop is woken by a file descriptor and puts a handler that does nothing in place;
        # ours runs in its stead, even while the loop is blocked.
        signal.signal(each, on_signal)


def end(code: int) -> NoReturn:
    """End with an exit code at once.

    The interpreter's own end takes its time and gives the handlers up first, so that our alarm
    would end the process in its own way.
    """
    os._exit(code)


def _exit_by(ending: Ending) -> Callable[[int, FrameType | None], None]:
    def exit_now(_number: int, _frame: FrameType | None) -> None:
        try:
            ending.last_act()
        finally:
            # Not SystemExit: whatever is running, an import or a destructor, might swallow it.
            os._exit(ending.code)

    return exit_now
