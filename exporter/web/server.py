"""The HTTP server of our own port: sockets, one request each, and limits on clients.

A connection carries one HTTP/1.1 request, answered by the ASGI application, and has one deadline
for TLS, head, answer and close. There is no keep-alive, pipelining, upgrade or request body: a
scrape every few seconds needs none of them, and each is a way to hold a connection open. h11 parses
and frames, and refuses an answer that is shorter or longer than its Content-Length.

Above the limit of clients the oldest connection is closed, because an honest scrape is over in a
moment. To refuse the newest instead would shut out scrapes for as long as hostile clients stay.

The server is our own because of what hypercorn 0.18 was measured to do: it never closes a client
that reads slowly or upgrades to HTTP/2, and loses a descriptor for each request whose body comes in
more than ten chunks.
"""

import asyncio
import logging
import resource
import socket
import struct
import time
from collections.abc import Awaitable, Callable, Iterator, MutableMapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from email.utils import formatdate
from typing import Any, cast
from urllib.parse import unquote

import h11

from exporter.errors import error_text
from exporter.web.tls import ServerTLS


class ConnectionLimiter:
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


# ASGI's own types; its scopes and messages are dictionaries of anything.
Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
ASGIApplication = Callable[[Scope, Receive, Send], Awaitable[None]]

MAX_HEAD_BYTES = 16 * 1024

_READ_BYTES = 4096
_BAD_REQUEST = 400
_HEAD_TOO_LARGE = 431
_INTERNAL_ERROR = 500

logger = logging.getLogger(__name__)


async def answer_one_request(
    application: ASGIApplication,
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    while_answering: Callable[[], AbstractContextManager[None]],
    ends: Scope,
) -> None:
    """Read a request, let the application answer it, and write that out.

    `ends` has `client` and `server` of ASGI's scope, the latter as it is listened on.
    `while_answering` gives a context for the time in which there is a page in memory. Raises
    OSError if the client cannot be read from or written to.
    """
    connection = h11.Connection(h11.SERVER, max_incomplete_event_size=MAX_HEAD_BYTES)
    try:
        request = await _read_head(connection, reader)
    except h11.RemoteProtocolError as error:
        # h11 knows 501 too, for a transfer coding; a body is none of our business either way.
        is_too_large = error.error_status_hint == _HEAD_TOO_LARGE
        await _refuse(_HEAD_TOO_LARGE if is_too_large else _BAD_REQUEST, connection, writer)
        return
    if request is None:
        return

    with ExitStack() as answering:

        async def send(message: Message) -> None:
            # From here on there is a page; before that, a client may only wait for its turn.
            if message["type"] == "http.response.start":
                answering.enter_context(while_answering())
            await _send(message, connection, writer)

        try:
            await application(_scope(request, writer, ends), _receive, send)
        except Exception:
            if writer.is_closing():
                return  # the client left in the meantime
            logger.exception("a page failed; this is a bug")
            if connection.our_state is h11.SEND_RESPONSE:
                await _refuse(_INTERNAL_ERROR, connection, writer)


async def _read_head(
    connection: h11.Connection, reader: asyncio.StreamReader
) -> h11.Request | None:
    while (event := connection.next_event()) is h11.NEED_DATA:
        connection.receive_data(await reader.read(_READ_BYTES))
    return event if isinstance(event, h11.Request) else None


def _scope(request: h11.Request, writer: asyncio.StreamWriter, ends: Scope) -> Scope:
    path, _, query = request.target.partition(b"?")
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": request.http_version.decode(),
        "method": request.method.decode(),
        "scheme": "http" if writer.get_extra_info("sslcontext") is None else "https",
        "path": unquote(path.decode()),
        "raw_path": path,
        "query_string": query,
        "root_path": "",
        "headers": list(request.headers),
        **ends,
    }


async def _receive() -> Message:
    """Return no body: none is read."""
    return {"type": "http.request", "body": b"", "more_body": False}


async def _send(message: Message, connection: h11.Connection, writer: asyncio.StreamWriter) -> None:
    events: list[h11.Event] = []
    if message["type"] == "http.response.start":
        events.append(_head(message["status"], message["headers"]))
    else:
        if message["body"]:
            events.append(h11.Data(data=message["body"]))
        if not message["more_body"]:
            events.append(h11.EndOfMessage())
    for event in events:
        writer.write(connection.send(event) or b"")
    await writer.drain()


async def _refuse(status: int, connection: h11.Connection, writer: asyncio.StreamWriter) -> None:
    for event in (_head(status, [(b"content-length", b"0")]), h11.EndOfMessage()):
        writer.write(connection.send(event) or b"")
    await writer.drain()


def _head(status: int, headers: list[tuple[bytes, bytes]]) -> h11.Response:
    date = formatdate(usegmt=True).encode()
    return h11.Response(
        status_code=status, headers=[*headers, (b"date", date), (b"connection", b"close")]
    )


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
        self._connections = ConnectionLimiter(
            _max_connections(_MAX_CONNECTIONS if tls() is None else _MAX_TLS_CONNECTIONS),
            _SeldomWarning("too many connections; the oldest are cut"),
        )
        self._answers = ConnectionLimiter(
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
                self._warn_of_accepting(error_text(error))
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
            # A client that is not through by now is not worth waiting for. The transport of a
            # socket that is closed already must not be touched any more.
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
