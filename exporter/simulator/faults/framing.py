"""Faults of HTTP's own syntax: lengths that lie, chunks that break, heads that are none."""

import random
from collections.abc import Callable
from dataclasses import replace

from exporter.simulator.faults.fault import ClientConnection, Fault, OnConnection
from exporter.simulator.messages import Answer, encode, head

_Transmission = Callable[[Answer], bytes]

_TLS_ALERT = bytes.fromhex("15 03 03 00 02 02 28")
_HUGE_HEADER_BYTES = 200_000
# What fits into a mebibyte of an answer, and takes an HTTP library seconds.
_SHORT_HEADER = b"X: 1\r\n"
_MANY_LINES = 15_800
_MANY_INTERIM = 20_000
_MANY_CHUNKS = 100_000


def _as(transmission: _Transmission, *, keeps_open: bool = False) -> OnConnection:
    """Send these bytes in place of the good answer's."""

    async def run(connection: ClientConnection, good: Answer) -> None:
        await connection.send(transmission(good))

    return OnConnection(run, keeps_open=keeps_open)


def _fault(name: str, summary: str, transmission: _Transmission) -> Fault:
    return Fault(name, summary, "connection", _as(transmission))


def _lengths(*values: str) -> _Transmission:
    """Announce these lengths whatever the body's is."""
    return lambda good: head(good, *(("Content-Length", value) for value in values)) + good.body


def _half_length(good: Answer) -> bytes:
    return _lengths(str(len(good.body) // 2))(good)


def _differing_lengths(good: Answer) -> bytes:
    return _lengths(str(len(good.body)), str(len(good.body) // 2))(good)


def _half_without_length(good: Answer) -> bytes:
    return head(good, ("Connection", "close")) + good.body[: len(good.body) // 2]


def _second_answer(good: Answer) -> bytes:
    """Let an answer with other amounts follow, which the next request would take for its own."""
    return encode(good) + encode(replace(good, body=good.body.replace(b"1", b"2")))


def _chunked(chunks: Callable[[bytes], bytes], *framing: tuple[str, str]) -> _Transmission:
    return lambda good: head(good, *framing, ("Transfer-Encoding", "chunked")) + chunks(good.body)


def _chunk(data: bytes, announced: int | None = None) -> bytes:
    size = len(data) if announced is None else announced
    return b"%x\r\n%b\r\n" % (size, data)


_LAST_CHUNK = b"0\r\n\r\n"


def _two_chunks(body: bytes) -> bytes:
    middle = len(body) // 2
    return _chunk(body[:middle]) + _chunk(body[middle:]) + _LAST_CHUNK


def _pieces(body: bytes, count: int) -> bytes:
    """Cut into about so many chunks."""
    size = max(1, len(body) // count)
    starts = range(0, len(body), size)
    return b"".join(_chunk(body[each : each + size]) for each in starts) + _LAST_CHUNK


def _with_extensions(body: bytes) -> bytes:
    return b'000%X;name=value;quoted="a b"\r\n%b\r\n0;last\r\n\r\n' % (len(body), body)


def _with_trailer(body: bytes) -> bytes:
    return _chunk(body) + b"0\r\nX-Checksum: abc\r\nX-Other: 1\r\n\r\n"


def _chunked_and_length(good: Answer) -> bytes:
    return _chunked(_two_chunks, ("Content-Length", str(len(good.body))))(good)


def _status_line(line: bytes) -> _Transmission:
    return lambda good: line + encode(good)[len(b"HTTP/1.1 200 OK") :]


def _header(line: bytes) -> _Transmission:
    """Put a line of its own behind the status line."""
    return lambda good: encode(good).replace(b"\r\n", b"\r\n" + line + b"\r\n", 1)


def _garbage(_good: Answer) -> bytes:
    return random.Random(1).randbytes(4096)  # noqa: S311  # noise, the same every time


def _one_zero(good: Answer) -> bytes:
    length = ("Content-Length", str(len(good.body)))
    return head(good, length, version="HTTP/1.0") + good.body


def _after_interim(good: Answer) -> bytes:
    return b"HTTP/1.1 103 Early Hints\r\nLink: </style.css>\r\n\r\n" + encode(good)


async def _byte_by_byte(connection: ClientConnection, good: Answer) -> None:
    for byte in encode(good):
        await connection.send(bytes((byte,)))


FRAMING_FAULTS = (
    _fault("length-too-small", "Content-Length is half the body's", _half_length),
    _fault("length-huge", "Content-Length has thirty digits", _lengths("9" * 30)),
    _fault("length-negative", "Content-Length is negative", _lengths("-1")),
    _fault("length-junk", "Content-Length is no number", _lengths("many")),
    _fault("length-hexadecimal", "Content-Length is hexadecimal", _lengths("0x40")),
    _fault("lengths-differ", "two Content-Length headers that differ", _differing_lengths),
    _fault("length-and-chunked", "Content-Length beside chunks", _chunked_and_length),
    _fault("cut-without-length", "half the body, no Content-Length", _half_without_length),
    _fault(
        "bytes-after-body",
        "more bytes behind the announced body",
        lambda good: encode(good) + b'{"adRatio":"9.99"}',
    ),
    _fault("second-answer-after-body", "another answer behind the answer", _second_answer),
    _fault(
        "chunked-without-last-chunk",
        "all chunks but the last, empty one",
        _chunked(lambda body: _two_chunks(body)[: -len(_LAST_CHUNK)]),
    ),
    _fault(
        "chunked-cut-in-chunk",
        "closed in the middle of a chunk",
        _chunked(lambda body: _two_chunks(body)[: len(body) // 4]),
    ),
    _fault(
        "chunk-size-too-small",
        "a chunk is longer than its size",
        _chunked(lambda body: _chunk(body, len(body) // 2) + _LAST_CHUNK),
    ),
    _fault(
        "chunk-size-too-large",
        "a chunk is shorter than its size",
        _chunked(lambda body: _chunk(body, len(body) * 2) + _LAST_CHUNK),
    ),
    _fault(
        "chunk-size-huge",
        "a chunk size of twenty digits",
        _chunked(lambda body: _chunk(body, 16**20 - 1)),
    ),
    _fault(
        "chunk-size-negative",
        "a negative chunk size",
        _chunked(lambda body: b"-" + _chunk(body) + _LAST_CHUNK),
    ),
    _fault(
        "chunk-size-junk",
        "a chunk size that is no number",
        _chunked(lambda body: b"many\r\n" + body + b"\r\n" + _LAST_CHUNK),
    ),
    _fault(
        "chunked-twice-ended",
        "a trailer that is another answer",
        lambda good: _chunked(_with_trailer)(good) + encode(good),
    ),
    _fault(
        "chunked-tiny",
        "a hundred thousand chunks of one byte",
        _chunked(lambda body: _pieces(body + b" " * _MANY_CHUNKS, len(body) + _MANY_CHUNKS)),
    ),
    _fault(
        "many-trailers",
        "a trailer of 15,800 lines",
        _chunked(lambda body: _chunk(body) + b"0\r\n" + _SHORT_HEADER * _MANY_LINES + b"\r\n"),
    ),
    _fault("many-headers", "15,800 short headers", _header(_SHORT_HEADER * _MANY_LINES + b"X: 1")),
    _fault(
        "many-interim-answers",
        "20,000 interim answers before the answer",
        lambda good: b"HTTP/1.1 103 Early Hints\r\n\r\n" * _MANY_INTERIM + encode(good),
    ),
    _fault(
        "transfer-coding-unknown",
        "an unknown Transfer-Encoding",
        lambda good: head(good, ("Transfer-Encoding", "rot13")) + good.body,
    ),
    _fault("garbage", "four kilobytes of noise", _garbage),
    _fault("tls-on-plain-port", "a TLS alert in place of HTTP", lambda _good: _TLS_ALERT),
    _fault(
        "other-protocol", "the greeting of an SSH server", lambda _good: b"SSH-2.0-dropbear\r\n"
    ),
    _fault("body-without-head", "the JSON alone, as HTTP/0.9 did", lambda good: good.body),
    _fault("status-line-junk", "a status that is no number", _status_line(b"HTTP/1.1 OK good")),
    _fault("status-line-short", "a status of two digits", _status_line(b"HTTP/1.1 20 OK")),
    _fault("header-without-colon", "a header line without a colon", _header(b"no colon here")),
    _fault("header-with-nul", "a header with a NUL byte", _header(b"X-Odd: a\x00b")),
    _fault("header-name-with-space", "a header name with a space", _header(b"X Odd: 1")),
    _fault(
        "huge-header",
        "a header of 200 kilobytes",
        _header(b"X-Long: " + b"x" * _HUGE_HEADER_BYTES),
    ),
    Fault(
        "chunked",
        "a well-formed chunked answer",
        "connection",
        _as(_chunked(_two_chunks), keeps_open=True),
        accepted=True,
    ),
    Fault(
        "chunked-last-chunk-zeros",
        "a last chunk of size 0000, as RFC 9112 allows",
        "connection",
        _as(_chunked(lambda body: _chunk(body) + b"0000\r\n\r\n"), keeps_open=True),
        accepted=True,
    ),
    Fault(
        "chunked-with-extensions",
        "chunks with extensions, in capitals and with leading zeros",
        "connection",
        _as(_chunked(_with_extensions), keeps_open=True),
        accepted=True,
    ),
    Fault(
        "chunked-with-trailer",
        "a trailer behind the last chunk",
        "connection",
        _as(_chunked(_with_trailer), keeps_open=True),
        accepted=True,
    ),
    Fault(
        "chunked-many",
        "a thousand chunks",
        "connection",
        _as(_chunked(lambda body: _pieces(body, 1000)), keeps_open=True),
        accepted=True,
    ),
    Fault("http-1-0", "a well-formed HTTP/1.0 answer", "connection", _as(_one_zero), accepted=True),
    Fault(
        "interim-answer",
        "one 103 Early Hints before the answer",
        "connection",
        _as(_after_interim, keeps_open=True),
        accepted=True,
    ),
    Fault(
        "byte-by-byte",
        "the good answer in segments of one byte, without delay",
        "connection",
        OnConnection(_byte_by_byte, keeps_open=True),
        accepted=True,
    ),
)
