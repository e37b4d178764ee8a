"""A connection whose received bytes can be looked at, beneath httpx.

HTTP libraries hand over the body that was announced and keep silent about bytes that came beside
it. The tap keeps them for comparison, and bounds them and the work that they are to parse.
"""

import re
import ssl
from collections.abc import Iterable

import httpcore
import httpx

from exporter.errors import FramingError, TooLargeError
from exporter.exchange.resolver import Resolver, connect_to_first

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


class Tap:
    """What one request put through the connection beneath it.

    `received` is every byte that came, HTTP's framing included and TLS taken off.
    """

    def __init__(self) -> None:
        self.received = bytearray()
        self.framing = Framing(self.received)
        self.is_connected = False
        self.is_reused = False

    def begin(self) -> None:
        """Forget the last answer, for a new request begins."""
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


class TappedTransport(httpx.AsyncHTTPTransport):
    """httpx's own transport, over one connection whose received bytes are kept.

    httpx takes no network backend, so its pool is set here; a test over a real socket fails
    should that attribute ever move.
    """

    def __init__(self, ssl_context: ssl.SSLContext, tap: Tap) -> None:
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=ssl_context,
            max_connections=1,
            keepalive_expiry=_KEEP_ALIVE_SECONDS,
            network_backend=_TappedBackend(tap),
        )


class _TappedBackend(httpcore.AnyIOBackend):
    def __init__(self, tap: Tap) -> None:
        self._tap = tap

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's signature
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        self._tap.connecting()
        addresses = await _RESOLVER.addresses(host, port)
        connect = super().connect_tcp
        stream = await connect_to_first(
            addresses,
            lambda address: connect(address, port, timeout, local_address, socket_options),
        )
        return _TappedStream(stream, self._tap)


class _TappedStream(httpcore.AsyncNetworkStream):
    def __init__(self, stream: httpcore.AsyncNetworkStream, tap: Tap) -> None:
        self._stream = stream
        self._tap = tap

    async def read(
        self,
        max_bytes: int,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's signature
    ) -> bytes:
        received = await self._stream.read(max_bytes, timeout)
        self._tap.add(received)
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
        return _TappedStream(stream, self._tap)

    def get_extra_info(self, info: str) -> object:
        return self._stream.get_extra_info(info)
