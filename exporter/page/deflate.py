"""Pieces of a page that are compressed each on its own, and joined without being touched again.

A piece ends at a byte and refers to nothing before it (zlib calls that a full flush), so pieces in
any order are one stream of deflate, and one member of gzip: many a client reads no second one.
Source: RFC 1951, 3.2.4; RFC 1952, 2.3.
"""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import zip_longest

from exporter.page.checksum import Checksum, checksum, checksum_of_length, crc32, joined
from exporter.page.parts import in_parts

_LEVEL = 1
_RAW = -zlib.MAX_WBITS
# For an end of a few kilobytes, a large window would take longer to set up than to use.
_RAW_AND_SMALL = -12
_LITTLE_MEMORY = 5
# No name, no time, and an unknown system.
_HEAD = b"\x1f\x8b\x08\0\0\0\0\0\0\xff"
_LENGTH_MODULUS = 1 << 32


# Compared by identity: what is kept is the very same.
@dataclass(frozen=True, slots=True, eq=False)
class Stretch:
    """Some bytes, by what they are compressed and what a member needs to know of them."""

    length: int
    compressed: bytes
    checksum: Checksum


@dataclass(frozen=True, slots=True, eq=False)
class Piece(Stretch):
    """Bytes that were compressed together, and are known."""

    content: bytes


@dataclass(frozen=True, slots=True, eq=False)
class Run(Stretch):
    """Stretches that follow each other."""

    parts: Sequence[Stretch]


@dataclass(frozen=True, slots=True)
class Beginning:
    """All of a member but its end, which changes every time."""

    parts: tuple[bytes, ...]
    length: int
    crc: int

    def with_end(self, end: bytes) -> tuple[bytes, ...]:
        """Give the member of the bytes so far, followed by `end`, in parts as they are sent."""
        deflate = zlib.compressobj(_LEVEL, zlib.DEFLATED, _RAW_AND_SMALL, _LITTLE_MEMORY)
        crc = zlib.crc32(end, self.crc)
        length = (self.length + len(end)) % _LENGTH_MODULUS
        trailer = crc.to_bytes(4, "little") + length.to_bytes(4, "little")
        return *self.parts, deflate.compress(end) + deflate.flush() + trailer


def pieces(contents: Sequence[bytes], earlier: Sequence[Piece] = ()) -> tuple[Piece, ...]:
    """Compress each to a piece that may follow any other; take `earlier` ones where they fit."""
    deflate = zlib.compressobj(_LEVEL, zlib.DEFLATED, _RAW)
    return tuple(
        before if before is not None and before.content == content else _piece(deflate, content)
        for content, before in zip_longest(contents, earlier)
    )


def run(parts: Sequence[Stretch], earlier: Run | None = None) -> Run:
    """Join stretches in their order; take the `earlier` run if it is the same."""
    if earlier is not None and earlier.parts == parts:
        return earlier
    present = [part for part in parts if part.length]
    length = sum(part.length for part in present)
    compressed = b"".join([part.compressed for part in present])
    return Run(length, compressed, checksum_of_length(_remainder(present), length), parts)


def beginning(stretches: Sequence[Stretch]) -> Beginning:
    """Begin a member with these stretches."""
    return Beginning(
        tuple(in_parts((_HEAD, *(each.compressed for each in stretches)))),
        sum(each.length for each in stretches),
        crc32(_remainder(stretches)),
    )


def _remainder(stretches: Sequence[Stretch]) -> int:
    """Give the checksum's remainder, spread, of stretches that follow each other."""
    remainder = 0
    for each in stretches:
        remainder = joined(remainder, each.checksum)
    return remainder


def _piece(deflate: "zlib._Compress", content: bytes) -> Piece:
    compressed = deflate.compress(content) + deflate.flush(zlib.Z_FULL_FLUSH)
    return Piece(len(content), compressed, checksum(content), content)
