"""Faults of connections and of pace: refusals, cuts, resets, stalls, drips."""

from collections.abc import Awaitable, Callable

from exporter.simulator.answer import Answer, encode, head
from exporter.simulator.fault import AtAccept, AtNextRequest, Fault, OnWire
from exporter.simulator.peer import Peer

# Slow enough that a whole answer takes minutes, quick enough that every read gets its byte in time.
_DRIP_SECONDS = 0.25


async def _close(_peer: Peer) -> None:
    """Return: the server closes what a fault leaves open."""


async def _reset(peer: Peer) -> None:
    peer.reset()


async def _stall(peer: Peer) -> None:
    await peer.stay()


def _after(sent: Callable[[Answer], bytes], then: Callable[[Peer], Awaitable[None]]) -> OnWire:
    """Send a part of the good answer, `then` do something else."""

    async def run(peer: Peer, good: Answer) -> None:
        await peer.send(sent(good))
        await then(peer)

    return OnWire(run)


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


async def _drip_head(peer: Peer, good: Answer) -> None:
    await _drip(peer, encode(good))


async def _drip_body(peer: Peer, good: Answer) -> None:
    await peer.send(_whole_head(good))
    await _drip(peer, good.body)


async def _drip_chunks(peer: Peer, good: Answer) -> None:
    await peer.send(head(good, ("Transfer-Encoding", "chunked")))
    for byte in good.body:
        await peer.send(b"1\r\n%c\r\n" % byte)
        await peer.stay(_DRIP_SECONDS)


async def _drip(peer: Peer, data: bytes) -> None:
    for byte in data:
        await peer.send(bytes((byte,)))
        await peer.stay(_DRIP_SECONDS)


def _body_without_length(good: Answer) -> bytes:
    return head(good, ("Connection", "close")) + good.body


WIRE_FAULTS = (
    Fault("reset-at-accept", "reset as soon as it is accepted", "wire", AtAccept(_reset)),
    Fault("close-at-accept", "closed as soon as it is accepted", "wire", AtAccept(_close)),
    Fault(
        "tls-stall", "accepted, then not a byte: a stalled TLS handshake", "wire", AtAccept(_stall)
    ),
    Fault(
        "idle-close",
        "a kept-alive connection is closed when the second request arrives",
        "wire",
        AtNextRequest(_close),
        accepted=True,
    ),
    Fault(
        "idle-reset",
        "a kept-alive connection is reset when the second request arrives",
        "wire",
        AtNextRequest(_reset),
        accepted=True,
    ),
    Fault("close-without-answer", "closed without a byte", "wire", _after(_nothing, _close)),
    Fault("reset-without-answer", "reset without a byte", "wire", _after(_nothing, _reset)),
    Fault(
        "close-in-headers",
        "closed in the middle of the headers",
        "wire",
        _after(_half_head, _close),
    ),
    Fault(
        "reset-in-headers", "reset in the middle of the headers", "wire", _after(_half_head, _reset)
    ),
    Fault("close-after-headers", "closed before the body", "wire", _after(_whole_head, _close)),
    Fault("close-in-body", "closed in the middle of the body", "wire", _after(_half_body, _close)),
    Fault("reset-in-body", "reset in the middle of the body", "wire", _after(_half_body, _reset)),
    Fault(
        "close-before-last-byte",
        "closed when one byte of the body is missing",
        "wire",
        _after(_all_but_last_byte, _close),
    ),
    Fault("stall-before-answer", "not a byte of an answer", "wire", _after(_nothing, _stall)),
    Fault(
        "stall-in-headers",
        "nothing more after half the headers",
        "wire",
        _after(_half_head, _stall),
    ),
    Fault(
        "stall-after-headers", "nothing more after the headers", "wire", _after(_whole_head, _stall)
    ),
    Fault("stall-in-body", "nothing more after half the body", "wire", _after(_half_body, _stall)),
    Fault(
        "stall-before-last-byte",
        "nothing more when one byte of the body is missing",
        "wire",
        _after(_all_but_last_byte, _stall),
    ),
    Fault(
        "stall-without-length",
        "the whole body without a length, and the connection stays open",
        "wire",
        _after(_body_without_length, _stall),
    ),
    Fault("drip-headers", "headers and body, a byte at a time", "wire", OnWire(_drip_head)),
    Fault("drip-body", "the body, a byte at a time", "wire", OnWire(_drip_body)),
    Fault("drip-chunks", "the body, a chunk of one byte at a time", "wire", OnWire(_drip_chunks)),
)
