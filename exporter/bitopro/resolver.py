"""Names to addresses in threads of their own, and the connection to the first that answers.

The system's resolver blocks its thread for as long as it likes. In asyncio's thread pool, which
has other work, look-ups that hang would keep that waiting, and the process from ending.
"""

import asyncio
import ipaddress
import socket
import threading
import time
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from typing import Protocol, TypeVar

MAX_LOOKUPS = 8

# Beyond it a look-up is abandoned, and the next request may try another.
_HANGING_SECONDS = 30.0
# As RFC 8305, 8 recommends between two attempts.
_NEXT_ATTEMPT_SECONDS = 0.25
_MAX_ADDRESSES = 8


class _Closeable(Protocol):
    async def aclose(self) -> None: ...


_Stream = TypeVar("_Stream", bound=_Closeable)
_Addresses = tuple[str, ...]


class Resolver:
    """Looks names up, each in a thread, for any number of event loops.

    Who asks for a name that is being looked up waits for the same answer, so that threads are as
    few as names; at most MAX_LOOKUPS run at a time, those that hang included.
    """

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._running = 0
        self._lookups: dict[tuple[str, int], tuple[float, Future[_Addresses]]] = {}

    async def addresses(self, host: str, port: int) -> _Addresses:
        """Return the addresses of a host, best first. Raises OSError, gaierror included."""
        with suppress(ValueError):
            return (str(ipaddress.ip_address(host)),)
        return await asyncio.wrap_future(self._lookup(host, port))

    def _lookup(self, host: str, port: int) -> "Future[_Addresses]":
        """Return the look-up that is running, or begin one."""
        now = self._monotonic()
        with self._lock:
            began, running = self._lookups.get((host, port), (now, None))
            if running is not None and now - began < _HANGING_SECONDS:
                return running
            if self._running >= MAX_LOOKUPS:
                raise OSError(f"{MAX_LOOKUPS} look-ups of names hang; is the resolver reachable?")
            future = Future[_Addresses]()
            # Then a waiter that leaves cannot cancel it for the others.
            future.set_running_or_notify_cancel()
            # A daemon, because one that hangs must not keep the process from ending.
            thread = threading.Thread(
                target=self._run, args=(host, port, future), name="resolver", daemon=True
            )
            try:
                thread.start()
            except RuntimeError as error:
                raise OSError("no thread for a look-up of a name") from error
            self._running += 1
            self._lookups[host, port] = (now, future)
            return future

    def _run(self, host: str, port: int, future: "Future[_Addresses]") -> None:
        try:
            found = _look_up(host, port)
        except BaseException as error:  # noqa: BLE001 - whatever it is, who waits has to know
            self._end(host, port, future)
            future.set_exception(error)
        else:
            self._end(host, port, future)
            future.set_result(found)

    def _end(self, host: str, port: int, future: "Future[_Addresses]") -> None:
        with self._lock:
            self._running -= 1
            if self._lookups.get((host, port), (0.0, None))[1] is future:
                del self._lookups[host, port]


def _look_up(host: str, port: int) -> _Addresses:
    # As bytes, so that the name is looked up as it is and not coded once more.
    found = socket.getaddrinfo(host.encode("ascii"), port, type=socket.SOCK_STREAM)
    addresses = dict.fromkeys(str(each[4][0]) for each in found)
    return tuple(addresses)[:_MAX_ADDRESSES]


async def connect_to_first(
    addresses: Sequence[str], connect: Callable[[str], Awaitable[_Stream]]
) -> _Stream:
    """Return the connection to the first address that answers (RFC 8305, 5).

    The next address is tried when one fails or is silent for a quarter of a second. Raises the
    first error once all have failed.
    """
    waiting = list(addresses)
    running: set[asyncio.Task[_Stream]] = set()
    first_error: BaseException | None = None
    try:
        while waiting or running:
            if waiting:
                running.add(asyncio.ensure_future(connect(waiting.pop(0))))
            done, running = await asyncio.wait(
                running,
                timeout=_NEXT_ATTEMPT_SECONDS if waiting else None,
                return_when=asyncio.FIRST_COMPLETED,
            )
            connected = [each for each in done if each.exception() is None]
            if connected:
                running.update(connected[1:])
                return connected[0].result()
            first_error = first_error or next((each.exception() for each in done), None)
    finally:
        await _abandon(running)
    raise first_error or OSError("the name has no address")


async def _abandon(attempts: set[asyncio.Task[_Stream]]) -> None:
    """End attempts that are no longer needed, and close what they opened."""
    for each in attempts:
        each.cancel()
    for ended in await asyncio.gather(*attempts, return_exceptions=True):
        if not isinstance(ended, BaseException):
            await ended.aclose()
