"""Faults without an end: headers, interim answers and bodies that go on and on."""

from collections.abc import Callable

from exporter.simulator.answer import JSON_TYPE, Answer, head
from exporter.simulator.fault import Fault, OnWire
from exporter.simulator.peer import Peer

_FLOOD_BYTES = 64 * 1024 * 1024
_BLOCK_BYTES = 65_536

_OPEN_HEAD = f"HTTP/1.1 200 OK\r\nContent-Type: {JSON_TYPE}\r\n".encode()


def _nothing(_good: Answer) -> bytes:
    return b""


def _flood(start: Callable[[Answer], bytes], piece: bytes) -> OnWire:
    """Send a start and then the same piece again and again, 64 MiB in all."""
    block = piece * (_BLOCK_BYTES // len(piece))

    async def run(peer: Peer, good: Answer) -> None:
        await peer.send(start(good))
        for _ in range(_FLOOD_BYTES // len(block)):
            await peer.send(block)

    return OnWire(run)


def _body_with_huge_length(good: Answer) -> bytes:
    return head(good, ("Content-Length", str(10**12))) + good.body


def _body_without_length(good: Answer) -> bytes:
    return head(good, ("Connection", "close")) + good.body


def _body_in_a_chunk(good: Answer) -> bytes:
    return head(good, ("Transfer-Encoding", "chunked")) + b"%x\r\n%b\r\n" % (
        len(good.body),
        good.body,
    )


ENDLESS_FAULTS = (
    Fault(
        "endless-headers",
        "one more header, again and again",
        "wire",
        _flood(lambda _good: _OPEN_HEAD, b"X-More: of the same\r\n"),
    ),
    Fault(
        "endless-header",
        "one header whose value does not end",
        "wire",
        _flood(lambda _good: _OPEN_HEAD + b"X-Long: ", b"x"),
    ),
    Fault(
        "endless-interim-answers",
        "103 Early Hints, again and again",
        "wire",
        _flood(_nothing, b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"),
    ),
    Fault(
        "endless-body-with-length",
        "a Content-Length of a terabyte, and blanks after the JSON",
        "wire",
        _flood(_body_with_huge_length, b" "),
    ),
    Fault(
        "endless-body-without-length",
        "no Content-Length, and blanks after the JSON",
        "wire",
        _flood(_body_without_length, b" "),
    ),
    Fault(
        "endless-chunks",
        "chunks of blanks after the JSON",
        "wire",
        _flood(_body_in_a_chunk, b"10\r\n" + b" " * 16 + b"\r\n"),
    ),
)
