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
        *whole, rest = (
            piece[start : start + _PART_BYTES] for start in range(0, len(piece), _PART_BYTES)
        )
        yield from whole
        short, length = [rest], len(rest)
    if short:
        yield b"".join(short)
