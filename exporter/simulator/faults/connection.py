"""Faults of the connection: cut, reset, stalled, and answers without end."""

from collections.abc import Awaitable, Callable

from exporter.simulator.faults.fault import (
    AtAccept,
    AtNextRequest,
    ClientConnection,
    Fault,
    OnConnection,
)
from exporter.simulator.messages import JSON_TYPE, Answer, encode, head

# Slow enough that a whole answer takes minutes, quick enough that every read gets its byte in time.
_DRIP_SECONDS = 0.25


async def _close(_peer: ClientConnection) -> None:
    """Return: the server closes what a fault leaves open."""


async def _reset(connection: ClientConnection) -> None:
    connection.reset()


async def _stall(connection: ClientConnection) -> None:
    await connection.stay()


def _after(
    sent: Callable[[Answer], bytes], then: Callable[[ClientConnection], Awaitable[None]]
) -> OnConnection:
    """Send a part of the good answer, `then` do something else."""

    async def run(connection: ClientConnection, good: Answer) -> None:
        await connection.send(sent(good))
        await then(connection)

    return OnConnection(run)


def _nothing(_good: Answer) -> bytes:
    return b""


def _half_head(good: Answer) -> bytes:
    whole = _whole_head(good)
    return whole[: len(whole) // 2]


def _whole_head(good: Answer) -> bytes:
    return head(good, ("Content-Length", str(len(good.body))))


def _half_body(good: Answer) -> bytes:
    return encode(good)[: -len(good.body) // 2]


def _all_but_last_byte(good: Answer) -> bytes:
    return encode(good)[:-1]


async def _drip_head(connection: ClientConnection, good: Answer) -> None:
    await _drip(connection, encode(good))


async def _drip_body(connection: ClientConnection, good: Answer) -> None:
    await connection.send(_whole_head(good))
    await _drip(connection, good.body)


async def _drip_chunks(connection: ClientConnection, good: Answer) -> None:
    await connection.send(head(good, ("Transfer-Encoding", "chunked")))
    for byte in good.body:
        await connection.send(b"1\r\n%c\r\n" % byte)
        await connection.stay(_DRIP_SECONDS)


async def _drip(connection: ClientConnection, data: bytes) -> None:
    for byte in data:
        await connection.send(bytes((byte,)))
        await connection.stay(_DRIP_SECONDS)


def _body_without_length(good: Answer) -> bytes:
    return head(good, ("Connection", "close")) + good.body


CONNECTION_FAULTS = (
    Fault("reset-at-accept", "reset as soon as it is accepted", "connection", AtAccept(_reset)),
    Fault("close-at-accept", "closed as soon as it is accepted", "connection", AtAccept(_close)),
    Fault(
        "tls-stall",
        "accepted, then not a byte: a stalled TLS handshake",
        "connection",
        AtAccept(_stall),
    ),
    Fault(
        "idle-close",
        "a kept-alive connection is closed when the second request arrives",
        "connection",
        AtNextRequest(_close),
        accepted=True,
    ),
    Fault(
        "idle-reset",
        "a kept-alive connection is reset when the second request arrives",
        "connection",
        AtNextRequest(_reset),
        accepted=True,
    ),
    Fault("close-without-answer", "closed without a byte", "connection", _after(_nothing, _close)),
    Fault("reset-without-answer", "reset without a byte", "connection", _after(_nothing, _reset)),
    Fault(
        "close-in-headers",
        "closed in the middle of the headers",
        "connection",
        _after(_half_head, _close),
    ),
    Fault(
        "reset-in-headers",
        "reset in the middle of the headers",
        "connection",
        _after(_half_head, _reset),
    ),
    Fault(
        "close-after-headers", "closed before the body", "connection", _after(_whole_head, _close)
    ),
    Fault(
        "close-in-body",
        "closed in the middle of the body",
        "connection",
        _after(_half_body, _close),
    ),
    Fault(
        "reset-in-body", "reset in the middle of the body", "connection", _after(_half_body, _reset)
    ),
    Fault(
        "close-before-last-byte",
        "closed when one byte of the body is missing",
        "connection",
        _after(_all_but_last_byte, _close),
    ),
    Fault("stall-before-answer", "not a byte of an answer", "connection", _after(_nothing, _stall)),
    Fault(
        "stall-in-headers",
        "nothing more after half the headers",
        "connection",
        _after(_half_head, _stall),
    ),
    Fault(
        "stall-after-headers",
        "nothing more after the headers",
        "connection",
        _after(_whole_head, _stall),
    ),
    Fault(
        "stall-in-body",
        "nothing more after half the body",
        "connection",
        _after(_half_body, _stall),
    ),
    Fault(
        "stall-before-last-byte",
        "nothing more when one byte of the body is missing",
        "connection",
        _after(_all_but_last_byte, _stall),
    ),
    Fault(
        "stall-without-length",
        "the whole body without a length, and the connection stays open",
        "connection",
        _after(_body_without_length, _stall),
    ),
    Fault(
        "drip-headers", "headers and body, a byte at a time", "connection", OnConnection(_drip_head)
    ),
    Fault("drip-body", "the body, a byte at a time", "connection", OnConnection(_drip_body)),
    Fault(
        "drip-chunks",
        "the body, a chunk of one byte at a time",
        "connection",
        OnConnection(_drip_chunks),
    ),
)


_FLOOD_BYTES = 64 * 1024 * 1024
_BLOCK_BYTES = 65_536

_OPEN_HEAD = f"HTTP/1.1 200 OK\r\nContent-Type: {JSON_TYPE}\r\n".encode()


def _flood(start: Callable[[Answer], bytes], piece: bytes) -> OnConnection:
    """Send a start and then the same piece again and again, 64 MiB in all."""
    block = piece * (_BLOCK_BYTES // len(piece))

    async def run(connection: ClientConnection, good: Answer) -> None:
        await connection.send(start(good))
        for _ in range(_FLOOD_BYTES // len(block)):
            await connection.send(block)

    return OnConnection(run)


def _body_with_huge_length(good: Answer) -> bytes:
    return head(good, ("Content-Length", str(10**12))) + good.body


def _body_in_a_chunk(good: Answer) -> bytes:
    return head(good, ("Transfer-Encoding", "chunked")) + b"%x\r\n%b\r\n" % (
        len(good.body),
        good.body,
    )


ENDLESS_FAULTS = (
    Fault(
        "endless-headers",
        "one more header, again and again",
        "connection",
        _flood(lambda _good: _OPEN_HEAD, b"X-More: of the same\r\n"),
    ),
    Fault(
        "endless-header",
        "one header whose value does not end",
        "connection",
        _flood(lambda _good: _OPEN_HEAD + b"X-Long: ", b"x"),
    ),
    Fault(
        "endless-interim-answers",
        "103 Early Hints, again and again",
        "connection",
        _flood(_nothing, b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"),
    ),
    Fault(
        "endless-body-with-length",
        "a Content-Length of a terabyte, and blanks after the JSON",
        "connection",
        _flood(_body_with_huge_length, b" "),
    ),
    Fault(
        "endless-body-without-length",
        "no Content-Length, and blanks after the JSON",
        "connection",
        _flood(_body_without_length, b" "),
    ),
    Fault(
        "endless-chunks",
        "chunks of blanks after the JSON",
        "connection",
        _flood(_body_in_a_chunk, b"10\r\n" + b" " * 16 + b"\r\n"),
    ),
)
