"""The parts in which a page is sent, so that a slow reader holds little memory."""

from collections.abc import Iterable, Iterator

_PART_BYTES = 1 << 16


def in_parts(body: Iterable[bytes]) -> Iterator[bytes]:
    """Cut what is long, and join what is short; what comes in parts already is not copied."""
    short: list[bytes] = []
    length = 0
    for piece in body:
        if length + len(piece) <= _PART_BYTES:
            short.append(piece)
            length += len(piece)
            continue
        if short:
            yield b"".join(short)
        start = 0
        while len(piece) - start > _PART_BYTES:
            yield piece[start : start + _PART_BYTES]
            start += _PART_BYTES
        short, length = [piece[start:]], len(piece) - start
    if short:
        yield b"".join(short)
