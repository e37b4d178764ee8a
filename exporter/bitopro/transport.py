"""One GET to one host, down to the last byte; all that knows httpx.

Guards, each against an answer that could be mistaken for a whole one: no redirects, proxies or
cookies; no compression; a limit on what is read; and a comparison of the received bytes with the
announced body, which no HTTP library makes. For that, a network backend beneath httpx records what
is received, and bounds it and the work of parsing it.

Time is not kept here: the caller cancels, and then calls `discard`, because a cancelled request can
leave a connection of httpx 0.28's pool marked busy for ever.
"""

import asyncio
import re
import socket
import ssl
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

import httpcore
import httpx

from exporter import __version__
from exporter.bitopro.resolver import Resolver, connect_to_first
from exporter.errors import FramingError, NetworkError, TLSError, TooLargeError, error_text

MAX_ANSWER_BYTES = 1 << 20
# Each costs the HTTP library time in which nothing else runs: some 15,800 short headers, which fit
# into a mebibyte, took it seconds. With these limits the worst answer takes some tens of ms.
MAX_HEAD_LINES = 200
MAX_HEAD_BYTES = 1 << 16
MAX_CHUNKS = 2000

_CHUNK_SIZE = re.compile(rb"([0-9A-Fa-f]{1,16})[ \t]*(?:;[^\r\n]*)?\r\n")
_CHUNKED = b"transfer-encoding:"
_LINE_END = b"\r\n"

# One for all accounts of the process, as its threads are bounded.
_RESOLVER = Resolver()

# Longer than the default interval, so that a connection is kept from one poll to the next.
_KEEP_ALIVE_SECONDS = 120.0


class Framing:
    """Where the parts of an answer end (RFC 9112, 2.1 and 7.1), followed as its bytes come.

    `body_start` and `end` are positions in the bytes, None until they are known; only chunks know
    their end by themselves.
    """

    def __init__(self, received: bytearray) -> None:
        self.body_start: int | None = None
        self.end: int | None = None
        self._received = received
        self._at = 0
        self._lines = 0
        self._line_bytes = 0
        self._chunks = 0
        self._is_first_line = True
        self._is_interim = False
        self._is_chunked = False
        self._is_in_trailer = False

    def follow(self) -> None:
        """Go on as far as the bytes reach. Raises FramingError or TooLargeError."""
        while self.end is None:
            if self.body_start is None or self._is_in_trailer:
                is_further = self._follow_line()
            else:
                is_further = self._is_chunked and self._follow_chunk()
            if not is_further:
                return

    def _follow_line(self) -> bool:
        """Pass a line of a head or trailer; return whether there was a whole one."""
        line = self._next_line()
        if line is None:
            return False
        if line == _LINE_END and not self._is_first_line:
            self._end_head()
            return True
        if self._is_first_line:
            self._is_first_line = False
            self._is_interim = line.startswith(b"HTTP/1.1 1")
        elif line[: len(_CHUNKED)].lower() == _CHUNKED and not self._is_in_trailer:
            self._is_chunked = True
        return True

    def _end_head(self) -> None:
        if self._is_in_trailer:
            self.end = self._at
        elif self._is_interim:
            self._is_first_line, self._is_chunked = True, False
        else:
            self.body_start = self._at

    def _follow_chunk(self) -> bool:
        """Pass a chunk, whose data may not be there yet; return whether it began."""
        start = self._at
        if start > len(self._received):
            return False
        if self._chunks and self._received[start - 2 : start] != _LINE_END:
            raise FramingError("a chunk is not as long as announced")
        line = self._next_line()
        if line is None:
            return False
        size = _CHUNK_SIZE.fullmatch(line)
        if size is None:
            raise FramingError("a chunk has no size")
        self._chunks += 1
        if self._chunks > MAX_CHUNKS:
            raise TooLargeError(f"the answer has more than {MAX_CHUNKS} chunks")
        size_bytes = int(size[1], 16)
        self._is_in_trailer = size_bytes == 0
        if size_bytes:
            self._at += size_bytes + len(_LINE_END)
        # The size's own line is none of the head's, but for what was added to it.
        self._lines -= 1
        self._line_bytes -= size.end(1)
        return True

    def _next_line(self) -> bytes | None:
        """Return the next line with its end and pass it; None until it is whole."""
        end = self._received.find(b"\n", self._at) + 1
        line_bytes = (end or len(self._received)) - self._at
        if self._line_bytes + line_bytes > MAX_HEAD_BYTES:
            raise TooLargeError(f"the answer's headers exceed {MAX_HEAD_BYTES} bytes")
        if not end:
            return None
        line = bytes(self._received[self._at : end])
        self._at = end
        self._lines += 1
        self._line_bytes += line_bytes
        if self._lines > MAX_HEAD_LINES:
            raise TooLargeError(f"the answer has more than {MAX_HEAD_LINES} lines of headers")
        if not line.endswith(_LINE_END):
            raise FramingError("a line of the answer's headers ends without CR LF")
        return line


class Recording:
    """What one request put through the connection beneath it.

    `received` is every byte that came, HTTP's framing included and TLS taken off.
    """

    def __init__(self) -> None:
        self.received = bytearray()
        self.framing = Framing(self.received)
        self.is_connected = False
        self.is_reused = False

    def begin(self) -> None:
        """Forget the last answer, because a new request begins."""
        self.received.clear()
        self.framing = Framing(self.received)
        self.is_reused = self.is_connected

    def connecting(self) -> None:
        """Note that the request opens a connection of its own."""
        self.is_connected = True
        self.is_reused = False

    def add(self, received: bytes) -> None:
        """Keep what came.

        Raises TooLargeError once an answer is larger than any real one, and FramingError for a head
        or chunks that are none.
        """
        # Counted here, below HTTP, so that endless headers and interim answers end as well.
        self.received += received
        if len(self.received) > MAX_ANSWER_BYTES:
            raise TooLargeError(f"the answer exceeds {MAX_ANSWER_BYTES} bytes")
        self.framing.follow()


class RecordingTransport(httpx.AsyncHTTPTransport):
    """httpx's own transport, over one connection whose received bytes are kept.

    httpx takes no network backend, so its pool is set here; a test over a real socket fails
    should that attribute ever move.
    """

    def __init__(self, ssl_context: ssl.SSLContext, recording: Recording) -> None:
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=ssl_context,
            max_connections=1,
            keepalive_expiry=_KEEP_ALIVE_SECONDS,
            network_backend=_RecordingBackend(recording),
        )


class _RecordingBackend(httpcore.AnyIOBackend):
    def __init__(self, recording: Recording) -> None:
        self._recording = recording

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's signature
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        self._recording.connecting()
        addresses = await _RESOLVER.addresses(host, port)
        connect = super().connect_tcp
        stream = await connect_to_first(
            addresses,
            lambda address: connect(address, port, timeout, local_address, socket_options),
        )
        return _RecordingStream(stream, self._recording)


class _RecordingStream(httpcore.AsyncNetworkStream):
    def __init__(self, stream: httpcore.AsyncNetworkStream, recording: Recording) -> None:
        self._stream = stream
        self._recording = recording

    async def read(
        self,
        max_bytes: int,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's signature
    ) -> bytes:
        received = await self._stream.read(max_bytes, timeout)
        self._recording.add(received)
        return received

    async def write(
        self,
        buffer: bytes,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's signature
    ) -> None:
        await self._stream.write(buffer, timeout)

    async def aclose(self) -> None:
        await self._stream.aclose()

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's signature
    ) -> httpcore.AsyncNetworkStream:
        try:
            stream = await self._stream.start_tls(ssl_context, server_hostname, timeout)
        except BaseException:
            # httpcore closes the connection after an error, but not when it is cancelled.
            await self._stream.aclose()
            raise
        return _RecordingStream(stream, self._recording)

    def get_extra_info(self, info: str) -> object:
        return self._stream.get_extra_info(info)


_CLOSE_SECONDS = 1.0
_DEFAULT_PORTS = {"http": 80, "https": 443}
_HEADERS = {
    "Accept": "application/json",
    "Accept-Encoding": "identity",
    # No-store and Pragma are for caches that know nothing else.
    "Cache-Control": "no-cache, no-store",
    "Pragma": "no-cache",
    "User-Agent": f"bitopro-margin-exporter/{__version__}",
}


class ConnectionLostError(NetworkError):
    """A kept-alive connection turned out to be closed before a byte of the answer came."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A complete answer. Header names are lower-case; only a 200 has its body."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Connection:
    """A connection to the exchange, kept alive between requests, one request at a time."""

    def __init__(
        self, ssl_context: ssl.SSLContext, transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        self._ssl_context = ssl_context
        self._transport = transport
        self._open()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._close(self._client)

    async def get(self, url: str, headers: Mapping[str, str]) -> Answer:
        """Send one GET; return the complete answer, whatever its status.

        Raises NetworkError, TLSError, FramingError or TooLargeError; ConnectionLostError where
        the same request may be tried again on a new connection.
        """
        self._recording.begin()
        try:
            answer = await self._get(url, headers)
        except (FramingError, TooLargeError):
            await self.discard()
            raise
        except (httpx.InvalidURL, UnicodeError) as error:
            await self.discard()
            raise NetworkError("the base URL cannot be asked; correct it") from error
        except (httpx.TransportError, OSError) as error:
            translated = self._translated(error)
            await self.discard()
            # A request that cannot be sent is quoted by its error, which must not stay the cause.
            is_request = isinstance(error, httpx.LocalProtocolError)
            raise translated from None if is_request else error
        if answer.status == httpx.codes.OK:
            self._client.cookies.clear()
        else:
            # Its body was not read, because it says nothing that the status does not.
            await self.discard()
        return answer

    async def discard(self) -> None:
        """Throw the connection away; the next request resolves the name again and opens another."""
        discarded = self._client
        self._open()
        await self._close(discarded)

    async def _get(self, url: str, headers: Mapping[str, str]) -> Answer:
        async with self._client.stream("GET", url, headers={**_HEADERS, **headers}) as response:
            body = b""
            if response.status_code == httpx.codes.OK:
                if response.headers.get("content-encoding", "identity").lower() != "identity":
                    raise FramingError("the body is encoded although identity was asked for")
                body = await response.aread()
                if self._recording.is_connected:
                    _verify_framing(self._recording, response.headers)
            return Answer(response.status_code, dict(response.headers), body)

    def _translated(self, error: Exception) -> NetworkError | TLSError | FramingError:
        if _is_caused_by(error, ssl.SSLError):
            return TLSError(f"no trusted TLS connection: {_root_text(error)}")
        if self._recording.received and isinstance(error, httpx.RemoteProtocolError):
            return FramingError("the answer is not the HTTP message that it announced")
        if self._recording.is_reused and not self._recording.received:
            return ConnectionLostError("the exchange had closed the kept-alive connection")
        if isinstance(error, httpx.RemoteProtocolError):
            return NetworkError("the connection was closed without an answer")
        if isinstance(error, httpx.LocalProtocolError):
            return NetworkError("the request cannot be sent as it is")
        return NetworkError(f"no connection, or it broke: {_root_text(error)}")

    def _open(self) -> None:
        self._recording = Recording()
        self._client = httpx.AsyncClient(
            transport=self._transport or RecordingTransport(self._ssl_context, self._recording),
            timeout=None,  # noqa: S113 - the caller's deadline covers the poll as a whole
            follow_redirects=False,
            trust_env=False,
        )

    async def _close(self, client: httpx.AsyncClient) -> None:
        # Closing must not become a second place to hang, and its failure has nothing to tell.
        try:
            async with asyncio.timeout(_CLOSE_SECONDS):
                await client.aclose()
        except (TimeoutError, httpx.TransportError, OSError):
            return


def _verify_framing(recording: Recording, headers: httpx.Headers) -> None:
    """Raise FramingError unless exactly the announced body came, and not a byte more."""
    length, coding = headers.get("content-length"), headers.get("transfer-encoding")
    framing, received_bytes = recording.framing, len(recording.received)
    if coding is None:
        body_bytes = received_bytes - (framing.body_start or received_bytes)
        is_number = length is not None and length.isascii() and length.isdigit()
        is_exact = is_number and int(length) == body_bytes
    else:
        # Two announcements at once are how answers are smuggled past each other.
        is_exact = framing.end == received_bytes and coding.lower() == "chunked" and length is None
    if not is_exact:
        raise FramingError("the body is not as long as announced, or no length was announced")


def _is_caused_by(error: BaseException | None, kind: type[BaseException]) -> bool:
    while error is not None:
        if isinstance(error, kind):
            return True
        error = error.__cause__ or error.__context__
    return False


def _root_text(error: BaseException) -> str:
    """Return the operating system's or TLS library's own words; they hold no part of a request."""
    while (cause := error.__cause__ or error.__context__) is not None:
        error = cause
    if isinstance(error, OSError) and error.errno and not isinstance(error, socket.gaierror):
        return error_text(error)
    return str(error) or type(error).__name__


def require_usable_url(url: str) -> None:
    """Raise ValueError unless a request to the URL can be built, and goes to the host it names.

    By all that will read it: httpx, the resolver's encoding of names, and OpenSSL.
    """
    named = urlsplit(url)
    try:
        built = httpx.Request("GET", url).url
        host = built.raw_host.decode("ascii")
        is_same = (built.scheme, host, built.port) == (
            named.scheme,
            named.hostname,
            named.port if named.port != _DEFAULT_PORTS[built.scheme] else None,
        )
        host.encode("idna")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.wrap_bio(ssl.MemoryBIO(), ssl.MemoryBIO(), server_hostname=host)
    except (httpx.InvalidURL, ssl.SSLError, KeyError) as error:
        raise ValueError("not a URL that can be asked") from error
    if not is_same:
        raise ValueError("a URL that its readers understand differently")
