"""A connection whose received bytes can be looked at, beneath httpx.

HTTP libraries hand over the body that was announced and keep silent about bytes that came beside
it. The tap keeps them for comparison, and bounds them.
"""

import ssl
from collections.abc import Iterable

import httpcore
import httpx

from exporter.errors import TooLargeError

MAX_ANSWER_BYTES = 1 << 20

# Longer than the default interval, so that a connection is kept from one poll to the next.
_KEEP_ALIVE_SECONDS = 120.0


class Tap:
    """What one request put through the connection beneath it.

    `received` is every byte that came, HTTP's framing included and TLS taken off.
    """

    def __init__(self) -> None:
        self.received = bytearray()
        self.is_connected = False
        self.is_reused = False

    def begin(self) -> None:
        """Forget the last answer, for a new request begins."""
        self.received.clear()
        self.is_reused = self.is_connected

    def connecting(self) -> None:
        """Note that the request opens a connection of its own."""
        self.is_connected = True
        self.is_reused = False

    def add(self, received: bytes) -> None:
        """Keep what came. Raises TooLargeError once an answer is larger than any real one."""
        # Counted here, below HTTP, so that endless headers and interim answers end as well.
        self.received += received
        if len(self.received) > MAX_ANSWER_BYTES:
            raise TooLargeError(f"the answer exceeds {MAX_ANSWER_BYTES} bytes")


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
        stream = await super().connect_tcp(host, port, timeout, local_address, socket_options)
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
