"""Notify systemd: ready, stopping, and alive for as long as every account is polled.

The protocol is sd_notify(3): a line of text to a Unix socket that the environment names. Without
one, nothing is sent.
"""

import asyncio
import logging
import socket
from collections.abc import Callable, Iterable, Mapping

from exporter.errors import error_text
from exporter.polling.poller import MAX_RETRY_AFTER_SECONDS, SLOW_SECONDS
from exporter.state import AccountState

# A poll's deadline, what is asked between polls, and a busy machine.
_LATE_SECONDS = 30.0
# Sent without a watchdog too, or with a slower one: it does no harm.
_LOOK_SECONDS = 5.0
_MICRO = 1e-6

logger = logging.getLogger(__name__)


class SystemdNotifier:
    """Notifies the service manager. `states` returns that of each account that is polled."""

    def __init__(
        self,
        environment: Mapping[str, str],
        monotonic: Callable[[], float],
        states: Callable[[], Iterable[AccountState]],
    ) -> None:
        self._address = _socket_address(environment)
        self._feed_seconds = _feed_seconds(environment)
        self._monotonic = monotonic
        self._states = states
        # By account: how many polls have ended, and when it was first seen that it is so many.
        self._progress: dict[str, tuple[int, float]] = {}
        self._is_overdue = False

    async def attend(self, stopped: asyncio.Event) -> None:
        """Notify that we are ready, then that we are alive, until `stopped` is set."""
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
        overdue = self._overdue()
        if not overdue:
            self._tell("WATCHDOG=1")
        elif not self._is_overdue:
            logger.error("not polled any more", extra={"accounts": ", ".join(overdue)})
        self._is_overdue = bool(overdue)

    def _overdue(self) -> list[str]:
        """Return the names of accounts whose next poll should have ended long ago."""
        now = self._monotonic()
        states = {state.account.name: state for state in self._states()}
        before, self._progress = self._progress, {}
        for name, state in states.items():
            polls, since = before.get(name, (None, now))
            self._progress[name] = (state.polls, since if polls == state.polls else now)
        return sorted(
            name
            for name, (_, since) in self._progress.items()
            if now - since > longest_silence_seconds(states[name])
        )

    def _tell(self, text: str) -> None:
        if self._address is None:
            return
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as sender:
                sender.sendto(text.encode(), self._address)
        except OSError as error:
            logger.warning("cannot notify systemd", extra={"detail": error_text(error)})


def longest_silence_seconds(state: AccountState) -> float:
    """Return how long after a state the next one may take to come, at the very most."""
    waits_seconds = MAX_RETRY_AFTER_SECONDS if state.reason == "rate_limited" else SLOW_SECONDS
    return max(state.account.poll_interval_seconds, waits_seconds) + _LATE_SECONDS


def _socket_address(environment: Mapping[str, str]) -> str | None:
    path = environment.get("NOTIFY_SOCKET", "")
    # The first byte of an abstract address is zero, which no variable can hold.
    return "\0" + path[1:] if path.startswith("@") else path or None


def _feed_seconds(environment: Mapping[str, str]) -> float:
    """Return half of the watchdog's patience, if it has so little."""
    microseconds = environment.get("WATCHDOG_USEC", "")
    if not (microseconds.isascii() and microseconds.isdigit()):
        return _LOOK_SECONDS
    return min(_LOOK_SECONDS, int(microseconds) * _MICRO / 2)
