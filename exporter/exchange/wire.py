"""One GET to one host, down to the last byte: with `tap`, all that knows httpx.

Guards, each against an answer that could be mistaken for a whole one: no redirects, proxies or
cookies; no compression; a limit on what is read; and a comparison of the bytes that came over the
connection with the body that was announced, which no HTTP library makes for us. Time is not kept
here: the caller cancels, and then calls `discard`, for a cancelled request can leave a connection
of httpx 0.28's pool marked busy for ever.
"""

import asyncio
import os
import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

import httpx

from exporter import __version__
from exporter.errors import FramingError, NetworkError, TLSError, TooLargeError
from exporter.exchange.tap import Tap, TappedTransport

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


class Wire:
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
        """Send one GET and give the complete answer, whatever its status.

        Raises NetworkError, TLSError, FramingError or TooLargeError; ConnectionLostError where
        the same request may be tried again on a new connection.
        """
        self._tap.begin()
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
            # Its body was not read, for it says nothing that the status does not.
            await self.discard()
        return answer

    async def discard(self) -> None:
        """Throw the connection away; the next request opens a new one and resolves anew."""
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
                if self._tap.is_connected:
                    _verify_framing(self._tap, response.headers)
            return Answer(response.status_code, dict(response.headers), body)

    def _translated(self, error: Exception) -> NetworkError | TLSError | FramingError:
        if _is_caused_by(error, ssl.SSLError):
            return TLSError(f"no trusted TLS connection: {_root_text(error)}")
        if self._tap.received and isinstance(error, httpx.RemoteProtocolError):
            return FramingError("the answer is not the HTTP message that it announced")
        if self._tap.is_reused and not self._tap.received:
            return ConnectionLostError("the exchange had closed the kept-alive connection")
        if isinstance(error, httpx.RemoteProtocolError):
            return NetworkError("the connection was closed without an answer")
        if isinstance(error, httpx.LocalProtocolError):
            return NetworkError("the request cannot be sent as it is")
        return NetworkError(f"no connection, or it broke: {_root_text(error)}")

    def _open(self) -> None:
        self._tap = Tap()
        self._client = httpx.AsyncClient(
            transport=self._transport or TappedTransport(self._ssl_context, self._tap),
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


def _verify_framing(tap: Tap, headers: httpx.Headers) -> None:
    """Raise FramingError unless exactly the announced body came, and not a byte more."""
    length, coding = headers.get("content-length"), headers.get("transfer-encoding")
    framing, received_bytes = tap.framing, len(tap.received)
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
    """Give the operating system's or TLS library's own words; they hold no part of a request."""
    while (cause := error.__cause__ or error.__context__) is not None:
        error = cause
    if isinstance(error, OSError) and error.errno and not isinstance(error, socket.gaierror):
        # asyncio's own words repeat the address in Python's form.
        return os.strerror(error.errno) if not isinstance(error, ssl.SSLError) else str(error)
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
