"""Telling systemd how we are: ready, stopping, and alive for as long as every account is polled.

The protocol is sd_notify(3): a line of text to a Unix socket that the environment names. Without
one, nobody is told anything.
"""

import asyncio
import logging
import socket
from collections.abc import Callable, Mapping

from exporter.poller import MAX_RETRY_AFTER_SECONDS, SLOW_SECONDS
from exporter.store import AccountState

# A poll's deadline, what is asked between polls, and a busy machine.
_LATE_SECONDS = 30.0
# A watchdog that is more patient, or none at all, is told all the same: it harms nobody.
_LOOK_SECONDS = 5.0
_MICRO = 1e-6

logger = logging.getLogger(__name__)


class Supervisor:
    """Whoever started us and wants to know. Everything is monotonic time, in seconds."""

    def __init__(self, environment: Mapping[str, str], monotonic: Callable[[], float]) -> None:
        self._address = _socket_address(environment)
        self._feed_seconds = _feed_seconds(environment)
        self._monotonic = monotonic
        self._due: dict[str, float] = {}
        self._is_overdue = False

    def expect(self, state: AccountState) -> None:
        """Take note of an account's state, and that the next is due in time."""
        self._due[state.account.name] = self._monotonic() + longest_silence_seconds(state)

    async def attend(self, stopped: asyncio.Event) -> None:
        """Tell that we are ready, then that we are alive, until `stopped` is set."""
        if self._address is None:
            return
        self._tell("READY=1")
        while not stopped.is_set():
            self._feed()
            try:
                async with asyncio.timeout(self._feed_seconds):
                    await stopped.wait()
            except TimeoutError:
                continue
        self._tell("STOPPING=1")

    def _feed(self) -> None:
        now = self._monotonic()
        overdue = sorted(account for account, due in self._due.items() if due < now)
        if not overdue:
            self._tell("WATCHDOG=1")
        elif not self._is_overdue:
            logger.error("not polled any more", extra={"accounts": ", ".join(overdue)})
        self._is_overdue = bool(overdue)

    def _tell(self, text: str) -> None:
        if self._address is None:
            return
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as told:
                told.sendto(text.encode(), self._address)
        except OSError as error:
            logger.warning("cannot tell systemd", extra={"detail": error.strerror or str(error)})


def longest_silence_seconds(state: AccountState) -> float:
    """Give how long after a state the next one may take to come, at the very most."""
    waits_seconds = MAX_RETRY_AFTER_SECONDS if state.reason == "rate_limited" else SLOW_SECONDS
    return max(state.account.poll_interval_seconds, waits_seconds) + _LATE_SECONDS


def _socket_address(environment: Mapping[str, str]) -> str | None:
    path = environment.get("NOTIFY_SOCKET", "")
    # The first byte of an abstract address is zero, which no variable can hold.
    return "\0" + path[1:] if path.startswith("@") else path or None


def _feed_seconds(environment: Mapping[str, str]) -> float:
    """Give half of the watchdog's patience, if it has so little."""
    microseconds = environment.get("WATCHDOG_USEC", "")
    if not (microseconds.isascii() and microseconds.isdigit()):
        return _LOOK_SECONDS
    return min(_LOOK_SECONDS, int(microseconds) * _MICRO / 2)
