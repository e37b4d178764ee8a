"""Reloading the configuration while everything runs: all of it, or nothing of it."""

import asyncio
import logging
import signal
import threading
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from types import FrameType
from typing import TypeVar

from exporter.bitopro.signing import Credentials
from exporter.config.settings import Settings
from exporter.errors import ConfigurationError
from exporter.metrics.exporter import ExporterStatus
from exporter.polling.manager import Changes

Apply = Callable[[Settings, Mapping[str, Credentials]], Changes]

# Less than our server gives a request.
_ANSWER_SECONDS = 6.0
# Threads that wait for files, for ever perhaps.
_MOST_HANGING = 4

_T = TypeVar("_T")

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ReloadOptions:
    """How to reload the configuration, and whether a request over HTTP may ask for it."""

    load: Callable[[], Settings]
    reload_signal: "ReloadSignal"
    is_open_to_http: bool = False
    deadline_seconds: float = 30.0


class ReloadSignal:
    """SIGHUP, which is heard from now on: it ends no process, and none is lost."""

    def __init__(self) -> None:
        self._came = False
        signal.signal(signal.SIGHUP, self._note)

    def call(self, loop: asyncio.AbstractEventLoop, reload: Callable[[], object]) -> None:
        """Call `reload` in the loop at each from now on, and for those that came before."""
        loop.add_signal_handler(signal.SIGHUP, reload)
        if self._came:
            reload()

    def _note(self, _number: int, _frame: FrameType | None) -> None:
        self._came = True


class Reloader:
    """Hands what is loaded well to `apply`; what is bad is logged and shown."""

    def __init__(
        self,
        options: ReloadOptions,
        apply: Apply,
        status: ExporterStatus,
        wall: Callable[[], float],
        group: asyncio.TaskGroup,
    ) -> None:
        self._options = options
        self._apply = apply
        self._status = status
        self._wall = wall
        self._group = group
        self._lock = asyncio.Lock()
        self._next: asyncio.Task[Sequence[str]] | None = None
        self._tasks: set[asyncio.Task[Sequence[str]]] = set()
        self._is_stopped = False
        self._reading: set[threading.Thread] = set()

    @property
    def reload_by_http(self) -> Callable[[], Awaitable[Sequence[str]]] | None:
        """What a request over HTTP is to call, if one may."""
        return self.reload if self._options.is_open_to_http else None

    def obey_hangups(self) -> None:
        """Reload at each SIGHUP from now on."""
        self._options.reload_signal.call(asyncio.get_running_loop(), self._on_reload_signal)

    async def reload(self) -> Sequence[str]:
        """Reload as soon as the reload that runs, if any, has ended; return the problems found.

        Calls that come before that are one with it, so that a crowd of them is two reloads. It goes
        on even if this is cancelled.
        """
        try:
            async with asyncio.timeout(_ANSWER_SECONDS):
                return await asyncio.shield(self._request())
        except TimeoutError:
            return ["the new one is still being read; the log will say how that ends"]

    def stop(self) -> None:
        """End what runs, and begin nothing any more."""
        self._is_stopped = True
        for each in self._tasks:
            each.cancel()

    def _on_reload_signal(self) -> None:
        if not self._is_stopped:
            logger.info("reload requested", extra={"signal": "SIGHUP"})
            self._request()

    def _request(self) -> "asyncio.Task[Sequence[str]]":
        if self._next is None:
            self._next = self._group.create_task(self._reload())
            self._tasks.add(self._next)
            self._next.add_done_callback(self._tasks.discard)
        return self._next

    async def _reload(self) -> Sequence[str]:
        async with self._lock:
            self._next = None
            try:
                # In a thread, because a thousand accounts have three thousand files of secrets.
                async with asyncio.timeout(self._options.deadline_seconds):
                    settings, credentials = await self._in_a_thread(self._read)
            except ConfigurationError as error:
                return self._failed(error.problems)
            except TimeoutError:
                seconds = self._options.deadline_seconds
                hint = "look at the disk or network that they are on"
                return self._failed([f"its files were not read within {seconds:g} s; {hint}"])
            except Exception:
                # Nothing has changed yet, and what is polled well is worth more than an early end.
                logger.exception("loading the configuration met a bug, or a file that just went")
                return self._failed(["it cannot be loaded; the log says why"])
            try:
                changes = self._apply(settings, credentials)
            except ConfigurationError as error:
                return self._failed(error.problems)
            self._status.loaded(self._wall())
            self._log(settings, changes)
            return ()

    async def _in_a_thread(self, read: Callable[[], _T]) -> _T:
        """Read in a thread of its own, which keeps neither others waiting nor the process alive.

        What a disk that does not answer has stopped can be left behind, and cannot be ended.
        """
        if len(self._reading) >= _MOST_HANGING:
            raise ConfigurationError(
                ["earlier reloads still wait for files; look at the disks or the network"]
            )
        loop = asyncio.get_running_loop()
        result: asyncio.Future[_T] = loop.create_future()

        def settle(set_result: Callable[[], None]) -> None:
            if not result.done():
                set_result()

        def run() -> None:
            try:
                value = read()
            except Exception as error:  # noqa: BLE001 - handed on to who waits for it
                handed_on = partial(result.set_exception, error)
            else:
                handed_on = partial(result.set_result, value)
            self._reading.discard(threading.current_thread())
            # The loop may be closed by now.
            with suppress(RuntimeError):
                loop.call_soon_threadsafe(settle, handed_on)

        thread = threading.Thread(target=run, name="reload", daemon=True)
        self._reading.add(thread)
        try:
            thread.start()
        except RuntimeError:
            self._reading.discard(thread)
            raise
        return await result

    def _read(self) -> tuple[Settings, Mapping[str, Credentials]]:
        settings = self._options.load()
        return settings, read_credentials(settings)

    def _failed(self, problems: Sequence[str]) -> Sequence[str]:
        self._status.refused(self._wall())
        for problem in problems:
            logger.error("configuration not loaded; the old goes on", extra={"detail": problem})
        return problems

    def _log(self, settings: Settings, changes: Changes) -> None:
        log_warnings(settings)
        logger.info(
            "configuration reloaded",
            extra={
                "accounts": len(settings.accounts),
                "added": ",".join(changes.added),
                "removed": ",".join(changes.removed),
                "changed": ",".join(changes.changed),
            },
        )


def read_credentials(settings: Settings) -> Mapping[str, Credentials]:
    """Read the credentials of each account, by its name. Raises ConfigurationError."""
    return {each.account.name: each.credentials.read() for each in settings.accounts}


def log_warnings(settings: Settings) -> None:
    """Log what is usable but careless."""
    for warning in settings.warnings:
        logger.warning("careless configuration", extra={"detail": warning})
