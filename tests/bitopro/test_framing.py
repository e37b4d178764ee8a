"""How far the bytes of an answer reach: head, chunks and trailers, and what is none of them."""

import pytest

from exporter.bitopro.transport import MAX_CHUNKS, MAX_HEAD_BYTES, MAX_HEAD_LINES, Framing
from exporter.errors import FramingError, TooLargeError

HEAD = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


def framing_of(*pieces: bytes) -> Framing:
    """Return the framing after these pieces, which come one after the other."""
    received = bytearray()
    framing = Framing(received)
    for piece in pieces:
        received += piece
        framing.follow()
    return framing


@pytest.mark.parametrize(
    "body",
    [
        b"0\r\n\r\n",
        b"4\r\nbody\r\n0\r\n\r\n",
        b"2\r\nbo\r\n02\r\ndy\r\n0\r\n\r\n",
        b"A\r\n0123456789\r\n0\r\n\r\n",
        b"4;name=value\r\nbody\r\n0\r\n\r\n",
        b"4\r\nbody\r\n0\r\nTrailer: value\r\n\r\n",
    ],
)
def test_chunked_answer_ends_with_its_last_byte_however_it_comes(body: bytes) -> None:
    whole = HEAD + body

    for pieces in ([whole], [bytes([each]) for each in whole]):
        framing = framing_of(*pieces)
        assert (framing.body_start, framing.end) == (len(HEAD), len(whole))
    assert framing_of(whole[:-1]).end is None
    assert framing_of(whole + b"more").end == len(whole)


def test_interim_answer_is_passed_over() -> None:
    interim = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"

    assert framing_of(interim + HEAD).body_start == len(interim + HEAD)


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (HEAD + b"3\r\nbody\r\n0\r\n\r\n", "a chunk is not as long as announced"),
        (HEAD + b"5\r\nbody\r\n0\r\n\r\n", "a chunk is not as long as announced"),
        (HEAD + b"\r\nbody\r\n", "a chunk has no size"),
        (HEAD + b"-1\r\n", "a chunk has no size"),
        (HEAD + b"0x4\r\nbody\r\n", "a chunk has no size"),
        (b"HTTP/1.1 200 OK\nServer: a\n\n", "a line of the answer's headers ends without CR LF"),
    ],
)
def test_bytes_that_are_no_answer_are_refused(answer: bytes, message: str) -> None:
    with pytest.raises(FramingError) as caught:
        framing_of(answer)

    assert str(caught.value) == message


def chunks(count: int) -> bytes:
    return HEAD + b"1\r\na\r\n" * (count - 1) + b"0\r\n\r\n"


def lines(count: int) -> bytes:
    return b"HTTP/1.1 200 OK\r\n" + b"a: b\r\n" * (count - 2) + b"\r\n"


def head_of(size_bytes: int) -> bytes:
    start, end = b"HTTP/1.1 200 OK\r\na: ", b"\r\n\r\n"
    return start + b"b" * (size_bytes - len(start + end)) + end


@pytest.mark.parametrize(
    ("largest", "larger", "message"),
    [
        (
            chunks(MAX_CHUNKS),
            chunks(MAX_CHUNKS + 1),
            f"the answer has more than {MAX_CHUNKS} chunks",
        ),
        (
            lines(MAX_HEAD_LINES),
            lines(MAX_HEAD_LINES + 1),
            f"the answer has more than {MAX_HEAD_LINES} lines of headers",
        ),
        (
            head_of(MAX_HEAD_BYTES),
            head_of(MAX_HEAD_BYTES + 1),
            f"the answer's headers exceed {MAX_HEAD_BYTES} bytes",
        ),
    ],
    ids=["chunks", "lines", "bytes"],
)
def test_largest_answer_is_followed_and_a_larger_one_refused(
    largest: bytes, larger: bytes, message: str
) -> None:
    assert framing_of(largest).body_start is not None
    with pytest.raises(TooLargeError) as caught:
        framing_of(larger)

    assert str(caught.value) == message
