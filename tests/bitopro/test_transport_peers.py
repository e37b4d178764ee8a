"""The transport against peers of a few lines, over real sockets."""

import asyncio
import ssl
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress

import httpx
import pytest

from exporter.bitopro.endpoints import BALANCES
from exporter.bitopro.signing import NonceSource
from exporter.bitopro.transport import Connection
from exporter.errors import FramingError, NetworkError
from exporter.simulator import Simulator, SimulatorConfig
from tests.clocks import ManualClock
from tests.exchanges import exchange_at

pytestmark = pytest.mark.anyio


def answer(body: bytes, *headers: bytes, status: bytes = b"200 OK") -> bytes:
    length = b"Content-Length: %d" % len(body)
    return b"\r\n".join([b"HTTP/1.1 " + status, length, *headers, b"", body])


class Peer:
    """Gives each connection its list of answers, one per request, and then closes it."""

    def __init__(self, *connections: list[bytes]) -> None:
        self.heads: list[bytes] = []
        self.closed = asyncio.Event()
        self.url = ""
        self._connections = iter(connections)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # A client may leave before its last answer.
        with suppress(asyncio.IncompleteReadError):
            for each in next(self._connections):
                self.heads.append(await reader.readuntil(b"\r\n\r\n"))
                writer.write(each)
        writer.close()
        await writer.wait_closed()
        self.closed.set()


@asynccontextmanager
async def asked(*connections: list[bytes]) -> AsyncIterator[tuple[Peer, Connection]]:
    """Return a peer and a wire to it."""
    peer = Peer(*connections)
    server = await asyncio.start_server(peer.serve, "127.0.0.1", 0)
    peer.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    async with server, Connection(ssl.create_default_context()) as connection:
        yield peer, connection


async def test_answer_smuggled_behind_another_is_never_taken_for_the_next() -> None:
    smuggled = answer(b"one") + answer(b"smuggled")
    async with asked([smuggled, answer(b"late")], [answer(b"two")]) as (peer, connection):
        with pytest.raises(FramingError):
            await connection.get(peer.url, {})

        assert (await connection.get(peer.url, {})).body == b"two"


async def test_bytes_behind_the_last_chunk_are_refused() -> None:
    chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n0\r\n\r\nmore"
    async with asked([chunked, b""]) as (peer, connection):
        with pytest.raises(FramingError):
            await connection.get(peer.url, {})


CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize(
    "chunks",
    [
        b"3\r\none\r\n0000\r\n\r\n",
        b"3\r\none\r\n0\r\nX-Sum: 1\r\nX-Other: 2\r\n\r\n",
        b"0003;a=b;c\r\none\r\n0;d\r\n\r\n",
        b"1\r\no\r\n2\r\nne\r\n0\r\n\r\n",
    ],
)
async def test_every_legal_form_of_chunks_is_read(chunks: bytes) -> None:
    async with asked([CHUNKED + chunks, answer(b"two")]) as (peer, connection):
        assert (await connection.get(peer.url, {})).body == b"one"
        assert (await connection.get(peer.url, {})).body == b"two"


async def test_last_chunk_within_a_chunk_is_data() -> None:
    data = b"a\r\n0\r\n\r\nb"
    async with asked([CHUNKED + b"9\r\n%b\r\n0\r\n\r\n" % data]) as (peer, connection):
        assert (await connection.get(peer.url, {})).body == data


@pytest.mark.parametrize(
    "chunks",
    [
        b"3\r\none\r\n0\r\nX-Sum: 1\r\n\r\nmore",
        b"3\r\nonexx0\r\n\r\n",
        b"+3\r\none\r\n0\r\n\r\n",
        b"3\none\r\n0\r\n\r\n",
        b"0x3\r\none\r\n0\r\n\r\n",
    ],
)
async def test_chunks_that_are_none_are_refused(chunks: bytes) -> None:
    async with asked([CHUNKED + chunks, b""]) as (peer, connection):
        with pytest.raises(FramingError):
            await connection.get(peer.url, {})


async def test_length_may_have_leading_zeros() -> None:
    padded = answer(b"one").replace(b"Length: 3", b"Length: 003")
    async with asked([padded]) as (peer, connection):
        assert (await connection.get(peer.url, {})).body == b"one"


async def test_body_beside_another_status_is_not_waited_for() -> None:
    head = answer(b"", status=b"500 No").replace(b"Content-Length: 0", b"Content-Length: 99")
    # A second answer that never comes keeps the connection open.
    async with asked([head, b""]) as (peer, connection), asyncio.timeout(5.0):
        assert (await connection.get(peer.url, {})).status == 500


@pytest.mark.parametrize("status", [b"200 OK", b"500 No"])
async def test_cookie_is_never_sent_back(status: bytes) -> None:
    cookie = answer(b"one", b"Set-Cookie: any=1", status=status)
    async with asked([cookie, answer(b"two")], [answer(b"two")]) as (peer, connection):
        await connection.get(peer.url, {})
        await connection.get(peer.url, {})

    assert b"cookie" not in b"".join(peer.heads).lower()


async def test_new_connection_that_is_closed_at_once_is_no_lost_one() -> None:
    async with asked([b""]) as (peer, connection):
        with pytest.raises(NetworkError) as caught:
            await connection.get(peer.url, {})

    assert type(caught.value) is NetworkError


async def test_new_connection_in_place_of_a_closed_one_is_no_lost_one() -> None:
    async with asked([answer(b"one")], [b""]) as (peer, connection):
        await connection.get(peer.url, {})
        await peer.closed.wait()
        with pytest.raises(NetworkError) as caught:
            await connection.get(peer.url, {})

    assert type(caught.value) is NetworkError


async def test_request_that_was_answered_in_part_is_not_sent_again() -> None:
    async with (
        Simulator(SimulatorConfig(port=0, scenario="documented")) as simulator,
        Connection(ssl.create_default_context()) as connection,
    ):
        exchange = exchange_at(simulator.base_url, connection)
        await exchange.fetch(BALANCES)
        simulator.fault = "reset-in-body"
        with pytest.raises(NetworkError):
            await exchange.fetch(BALANCES)

        assert simulator.requests == 2


async def test_connection_that_does_not_let_itself_be_closed_is_left_alone() -> None:
    class Stuck(httpx.AsyncBaseTransport):
        async def aclose(self) -> None:
            await asyncio.Event().wait()

    async with asyncio.timeout(5.0):
        await Connection(ssl.create_default_context(), Stuck()).discard()


@pytest.fixture
def _far_from_greenwich(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "Asia/Taipei")
        time.tzset()
        yield
    time.tzset()


@pytest.mark.usefixtures("_far_from_greenwich")
async def test_date_without_a_zone_is_utc(documented_answer: bytes) -> None:
    headers = {"content-type": "application/json", "date": "Tue, 14 Nov 2023 22:13:19 -0000"}
    good = httpx.Response(200, content=documented_answer, headers=headers)
    now = ManualClock()

    connection = Connection(ssl.create_default_context(), httpx.MockTransport(lambda _: good))
    exchange = exchange_at("https://exchange.example/v3", connection, clock=now.clock)
    poll = await exchange.fetch(BALANCES)

    assert poll.clock_skew_seconds == 1.0


def test_nonces_of_hours_ago_are_forgotten() -> None:
    nonces = NonceSource(lambda: 0.0)
    last = [nonces.next_ms() for _ in range(3000)][-1]

    nonces.rewind()

    assert (last, nonces.next_ms()) == (2999, 0)
