"""What the server does when the application is wrong, or the client is only slow."""

import asyncio
import gc
import logging
import socket
import struct

import pytest

from exporter.web.server import ASGIApplication, Receive, Scope, Send
from tests.abuse.clients import CutOffError, exchange, fetch
from tests.abuse.serving import serving

pytestmark = pytest.mark.anyio


async def failing(_scope: Scope, _receive: Receive, _send: Send) -> None:
    raise ValueError("bug")


def saying(body: bytes, length: int) -> ASGIApplication:
    """Return a page of a body, and of a length that is announced for it."""

    async def page(_scope: Scope, _receive: Receive, send: Send) -> None:
        headers = [(b"content-length", b"%d" % length)]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body, "more_body": False})

    return page


healthy = saying(b"ok", 2)


async def answer_to(*pieces: bytes, ends: bool = False) -> bytes:
    """Return what a healthy page answers to a request in pieces."""
    async with serving(healthy) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(0)
        if ends:
            writer.write_eof()
        answer = await reader.read()
        writer.close()
        await writer.wait_closed()
    return answer


async def test_page_that_fails_is_a_500_and_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    async with serving(failing) as port:
        page = await fetch(port)

    assert (page.status, page.body) == (500, b"")
    assert [record.message for record in caplog.records] == ["a page failed; this is a bug"]


async def test_page_shorter_than_announced_never_passes_for_a_whole_one(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with serving(saying(b"up 1", 100)) as port:
        with pytest.raises(CutOffError):
            await fetch(port)

    assert [record.levelno for record in caplog.records] == [logging.ERROR]


async def test_request_in_many_pieces_is_answered() -> None:
    pieces = (b"GET / HT", b"TP/1.1\r", b"\nHost:", b" x\r\n\r", b"\n")

    assert (await answer_to(*pieces)).endswith(b"ok")


async def test_client_that_stops_sending_still_gets_its_answer() -> None:
    request = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"

    assert (await answer_to(request, ends=True)).endswith(b"ok")


@pytest.mark.parametrize("sent", [b"", b"GET /", b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"])
async def test_client_that_resets_its_connection_is_no_error(
    sent: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    async with serving(healthy) as port:
        with socket.create_connection(("127.0.0.1", port)) as client:
            client.sendall(sent)
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        # Answered after the one that came before it.
        await fetch(port)
    # asyncio complains of a failed task when it is collected.
    gc.collect()

    assert not caplog.records


async def test_port_is_closed_once_the_server_has_ended() -> None:
    async with serving(healthy) as port:
        assert await exchange(port, b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")

    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.1", port)
