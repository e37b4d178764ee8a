"""`healthcheck`: ask a running exporter whether it lives, for container engines.

It asks `/-/healthy`, which says nothing about the exchange: a container that is restarted because
the exchange is down would only be restarted again.
"""

import argparse
import asyncio
import re
import ssl
from contextlib import suppress

from exporter.addresses import is_loopback, joined
from exporter.cli.terminal import echo
from exporter.errors import UnableError, error_text

DEADLINE_SECONDS = 3.0

# A dual-stack socket is reached over either; an IPv6 one that is named as such only over its own.
_REACHED_AT = {"": ("127.0.0.1", "::1"), "0.0.0.0": ("127.0.0.1",), "::": ("::1",)}  # noqa: S104 - compared, not bound
_MAX_ANSWER_BYTES = 8192
_STATUS = re.compile(rb"HTTP/1\.[01] (\d{3}) ", re.ASCII)
_HEALTHY = b"\r\n\r\nhealthy\n"


class UnhealthyError(UnableError):
    """Nothing answers, or something else than the exporter, or one that is not healthy."""


def check_health(
    host: str, port: int, *, is_tls: bool, deadline_seconds: float = DEADLINE_SECONDS
) -> None:
    """Ask the exporter that listens on an address. Raises UnhealthyError with one sentence.

    A wildcard, which nothing can connect to, is asked over loopback. The deadline is for
    everything: connection, handshake and answer.
    """
    asyncio.run(_check(host, port, is_tls=is_tls, deadline_seconds=deadline_seconds))


def tls_context(host: str) -> ssl.SSLContext:
    """Trust any certificate on loopback, where it names another host; only there."""
    context = ssl.create_default_context()
    if is_loopback(host):
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


async def _check(host: str, port: int, *, is_tls: bool, deadline_seconds: float) -> None:
    *others, last = _REACHED_AT.get(host, (host,))
    address = joined(host, port)
    try:
        async with asyncio.timeout(deadline_seconds):
            for each in others:
                with suppress(OSError):
                    return _require_health(address, await _ask(each, port, is_tls=is_tls))
            _require_health(address, await _ask(last, port, is_tls=is_tls))
    except TimeoutError:
        raise UnhealthyError(f"{address} did not answer within {deadline_seconds:g} s") from None
    except ssl.SSLError as error:
        reason = error.reason or "handshake failed"
        raise UnhealthyError(
            f"{address}: TLS: {reason.lower().replace('_', ' ')}; is --tls right?"
        ) from None
    except OSError as error:
        raise UnhealthyError(
            f"{address} cannot be asked: {error_text(error)}; is it running, and is this its "
            "--web.listen-address?"
        ) from None


async def _ask(host: str, port: int, *, is_tls: bool) -> bytes:
    reader, writer = await asyncio.open_connection(
        host, port, ssl=tls_context(host) if is_tls else None
    )
    try:
        head = f"GET /-/healthy HTTP/1.1\r\nHost: {joined(host, port)}\r\n"
        writer.write(f"{head}Connection: close\r\n\r\n".encode())
        answer = b""
        while len(answer) <= _MAX_ANSWER_BYTES:
            part = await reader.read(_MAX_ANSWER_BYTES)
            if not part:
                break
            answer += part
        return answer
    finally:
        # Not closed in good form, which would wait for the other side.
        writer.transport.abort()


def _require_health(address: str, answer: bytes) -> None:
    status = _STATUS.match(answer)
    if status is None:
        raise UnhealthyError(f"{address} does not speak HTTP here; is --tls right?")
    if status[1] != b"200":
        raise UnhealthyError(f"{address} answers with status {status[1].decode()}")
    if not answer.endswith(_HEALTHY):
        raise UnhealthyError(f"{address} is not the exporter")


def main(options: argparse.Namespace) -> int:
    """Print that it is alive. Raises UnableError if it does not."""
    host, port = options.listen_address
    check_health(host, port, is_tls=options.is_tls)
    echo("healthy\n")
    return 0
