"""Clients over plain sockets: honest ones, and such as do not let go of their connection."""

import asyncio
import contextlib
import socket
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

_ESTABLISHED = 1
_LOOK_SECONDS = 0.05
_NO_HEADERS: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True)
class Page:
    """A complete answer, with header names in lower case. `seconds` is how long it took."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)
    seconds: float


class CutOffError(Exception):
    """The connection ended before the answer did."""


@dataclass(frozen=True)
class Hold:
    """A way to hold a connection.

    Send `first`; then every `pause_seconds` send `drip` and read at most `sip_bytes`. A `thirsty`
    client has buffers so small that a large page does not fit into them.
    """

    first: bytes = b""
    drip: bytes = b""
    sip_bytes: int = 0
    pause_seconds: float = _LOOK_SECONDS
    thirsty: bool = False


async def fetch(
    port: int, headers: Mapping[str, str] = _NO_HEADERS, *, thirsty: bool = False
) -> Page:
    """Scrape like Prometheus does. Raises CutOffError if less came than was announced."""
    lines = ["GET /metrics HTTP/1.1", "Host: localhost", *(f"{n}: {v}" for n, v in headers.items())]
    started = asyncio.get_running_loop().time()
    answer = await exchange(port, ("\r\n".join(lines) + "\r\n\r\n").encode(), thirsty=thirsty)
    return _parsed(answer, asyncio.get_running_loop().time() - started)


async def exchange(port: int, request: bytes, *, thirsty: bool = False) -> bytes:
    """Send bytes, and give everything that comes back until the server closes or resets."""
    loop = asyncio.get_running_loop()
    answer = b""
    with _client(thirsty=thirsty) as client, contextlib.suppress(ConnectionResetError):
        await loop.sock_connect(client, ("127.0.0.1", port))
        sending = asyncio.create_task(loop.sock_sendall(client, request))
        try:
            while part := await loop.sock_recv(client, 1 << 16):
                answer += part
        finally:
            sending.cancel()
            await asyncio.gather(sending, return_exceptions=True)
    return answer


def status_of(answer: bytes) -> int | None:
    """Return the status of an answer, None for a connection closed without one."""
    return int(answer.split(b" ", 2)[1]) if answer else None


async def hold(port: int, how: Hold) -> float:
    """Hold on until the server lets go, and tell after how many seconds that was."""
    loop = asyncio.get_running_loop()
    started = loop.time()
    with _client(thirsty=how.thirsty) as client, contextlib.suppress(ConnectionError):
        await loop.sock_connect(client, ("127.0.0.1", port))
        await loop.sock_sendall(client, how.first)
        while _is_established(client):
            await loop.sock_sendall(client, how.drip)
            if how.sip_bytes:
                with contextlib.suppress(BlockingIOError):
                    client.recv(how.sip_bytes)
            await asyncio.sleep(how.pause_seconds)
    return loop.time() - started


@contextlib.contextmanager
def connected(port: int, ways: Sequence[Hold]) -> Iterator[None]:
    """Keep a connection for each, on which its first bytes have been sent."""
    with contextlib.ExitStack() as stack:
        for how in ways:
            client = stack.enter_context(_client(thirsty=how.thirsty))
            client.settimeout(5.0)
            client.connect(("127.0.0.1", port))
            # A server that has too many clients may have left already.
            with contextlib.suppress(ConnectionError):
                client.sendall(how.first)
        yield


@contextlib.contextmanager
def _client(*, thirsty: bool) -> Iterator[socket.socket]:
    with socket.socket() as client:
        client.settimeout(0)
        if thirsty:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
            # Small segments keep the kernel's buffer on the other side small, too.
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, 536)
        yield client


def _is_established(client: socket.socket) -> bool:
    """Return whether neither end nor reset has come; reading would not, while data is queued."""
    return client.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0] == _ESTABLISHED


def _parsed(answer: bytes, seconds: float) -> Page:
    head, separator, body = answer.partition(b"\r\n\r\n")
    if not separator:
        raise CutOffError(answer[:100])
    first, *lines = head.decode("ascii").split("\r\n")
    headers = {
        name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)
    }
    if len(body) != int(headers["content-length"]):
        raise CutOffError(f"{len(body)} bytes of {headers['content-length']}")
    return Page(int(first.split()[1]), headers, body, seconds)
