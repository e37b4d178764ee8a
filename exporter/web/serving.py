"""The HTTP server: sockets, and limits that keep an honest scrape quick beside hostile clients.

A connection carries one request and has one deadline for everything: TLS, head, answer and
farewell. The server is our own, on asyncio and h11, because of what hypercorn 0.18 was measured to
do: it never closes a client that reads slowly or upgrades to HTTP/2, and a request whose body comes
in more than ten chunks costs it a descriptor for ever.
"""

import asyncio
import logging
import resource
import socket
import struct
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Any

from exporter.access.server_tls import ServerTLS
from exporter.web.http1 import MAX_HEAD_BYTES, ASGIApplication, Scope, answer_one_request
from exporter.web.rooms import Room

# Less than the 10 s after which Prometheus, unless told otherwise, gives a scrape up.
_CONNECTION_SECONDS = 8.0
_GRACEFUL_SECONDS = 0.5
# For the client's farewell under TLS, without which it has the page all the same.
_FAREWELL_SECONDS = 1.0
_MAX_CONNECTIONS = 1000
# asyncio takes half a megabyte for each of these, before it has read a byte.
_MAX_TLS_CONNECTIONS = 100
# Each holds a page in memory, and a scraper needs one.
_MAX_ANSWERS = 32
_ACCEPT_AGAIN_SECONDS = 0.1
_WARN_AGAIN_SECONDS = 60.0
# On, after zero seconds: closing resets the connection and frees what the client did not take.
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)
_CLOSED = -1

logger = logging.getLogger(__name__)


async def serve(
    application: ASGIApplication,
    sockets: Sequence[socket.socket],
    stopped: Callable[[], Awaitable[object]],
    tls: Callable[[], ServerTLS | None] = lambda: None,
) -> None:
    """Serve on the sockets until `stopped` returns, then let requests end for half a second.

    `tls` is asked at each connection, for certificates are renewed.
    """
    server = _Server(application, tls)
    try:
        async with asyncio.TaskGroup() as group:
            accepting = [group.create_task(server.accept_forever(each)) for each in sockets]
            await stopped()
            for each in accepting:
                each.cancel()
    finally:
        for listening in sockets:
            listening.close()
        await server.end()


class _SeldomWarning:
    """Logs at most once a minute, so that hostile clients cannot fill the log."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._due_monotonic_seconds = 0.0

    def __call__(self, detail: str = "") -> None:
        now = time.monotonic()
        if now >= self._due_monotonic_seconds:
            self._due_monotonic_seconds = now + _WARN_AGAIN_SECONDS
            logger.warning(self._text, extra={"detail": detail} if detail else None)


class _Server:
    """The clients of all listening sockets, within common limits."""

    def __init__(self, application: ASGIApplication, tls: Callable[[], ServerTLS | None]) -> None:
        self._application = application
        self._tls = tls
        self._clients: set[asyncio.Task[None]] = set()
        self._connections = Room(
            _max_connections(_MAX_CONNECTIONS if tls() is None else _MAX_TLS_CONNECTIONS),
            _SeldomWarning("too many connections; the oldest are cut"),
        )
        self._answers = Room(
            _MAX_ANSWERS, _SeldomWarning("too many pages read at once; the oldest are cut")
        )
        self._warn_of_accepting = _SeldomWarning("cannot accept connections")
        self._warn_of_certificates = _SeldomWarning("a client's certificate has no allowed name")

    async def accept_forever(self, listening: socket.socket) -> None:
        """Serve each client in a task of its own."""
        listening.settimeout(0)
        loop = asyncio.get_running_loop()
        bound = listening.getsockname()[:2]
        while True:
            try:
                client, address = await loop.sock_accept(listening)
            except OSError as error:
                self._warn_of_accepting(error.strerror or str(error))
                await asyncio.sleep(_ACCEPT_AGAIN_SECONDS)
                continue
            task = asyncio.create_task(
                self._serve_client(client, {"client": (address[0], None), "server": bound})
            )
            self._clients.add(task)
            task.add_done_callback(self._clients.discard)
            # sock_accept gives a client that waits already without letting anyone else run, so a
            # crowd would use up all descriptors before the first of it could be sent away.
            await asyncio.sleep(0)

    async def end(self) -> None:
        """Let clients be served for a short while, then cut them."""
        if self._clients:
            await asyncio.wait(self._clients, timeout=_GRACEFUL_SECONDS)
        for each in self._clients:
            each.cancel()
        await asyncio.gather(*self._clients, return_exceptions=True)

    async def _serve_client(self, client: socket.socket, ends: Scope) -> None:
        with client, self._connections.place(), suppress(OSError):
            async with asyncio.timeout(_CONNECTION_SECONDS):
                await self._converse(client, ends)

    async def _converse(self, client: socket.socket, ends: Scope) -> None:
        loop = asyncio.get_running_loop()
        reader = asyncio.StreamReader(MAX_HEAD_BYTES)
        tls = self._tls()
        transport, protocol = await loop.connect_accepted_socket(
            lambda: asyncio.StreamReaderProtocol(reader), client, **_tls_arguments(tls)
        )
        writer = asyncio.StreamWriter(transport, protocol, reader, loop)
        try:
            if tls is not None and not tls.lets_in(transport.get_extra_info("peercert")):
                self._warn_of_certificates()
                return
            await answer_one_request(self._application, reader, writer, self._answers.place, ends)
            writer.close()
            await writer.wait_closed()
        finally:
            # Whoever is not through by now is not worth waiting for. The transport of a socket that
            # is closed already must not be touched any more.
            if client.fileno() != _CLOSED:
                transport.abort()
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)


# asyncio refuses times for TLS where there is no TLS.
def _tls_arguments(tls: ServerTLS | None) -> dict[str, Any]:
    if tls is None:
        return {}
    return {
        "ssl": tls.context,
        "ssl_handshake_timeout": _CONNECTION_SECONDS,
        "ssl_shutdown_timeout": _FAREWELL_SECONDS,
    }


def _max_connections(wanted: int) -> int:
    """Leave half of the descriptors to polls and files."""
    limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return wanted if limit == resource.RLIM_INFINITY else min(wanted, limit // 2)
