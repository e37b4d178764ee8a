"""One HTTP/1.1 request on a connection, answered by an ASGI application; nothing comes after it.

h11 parses and frames; it also refuses an answer that is shorter or longer than its Content-Length.
There is no keep-alive, no pipelining, no upgrade (WebSocket, HTTP/2) and no body of a request: who
comes back every 15 seconds needs none of it, and each is a way to be held open.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, MutableMapping
from contextlib import AbstractContextManager, ExitStack
from email.utils import formatdate
from typing import Any
from urllib.parse import unquote

import h11

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
    """Give no body: none is read."""
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
