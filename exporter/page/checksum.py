"""CRC-32 of bytes that follow each other, from the CRC-32 of each: what zlib has, and Python not.

A checksum is a polynomial over two elements modulo the generator. That of `a + b` is that of `a`
times x to the power of the bits in `b`, plus that of `b`. Python has no product without carry, but
its integers have any length: with eight bits for each coefficient, of which a product of two
checksums fills six, carries never reach the next one, and the lowest bit of each is the sum.

Source: zlib's `crc32_combine`; the generator and the order of bits are those of RFC 1952.
"""

import zlib
from functools import cache
from typing import NamedTuple

_DEGREE = 32
_LANE_BITS = 8
_SHIFT = _DEGREE * _LANE_BITS
_GENERATOR = 0x1_04C1_1DB7
_BYTE = 256


class Checksum(NamedTuple):
    """The checksum of some bytes and the power of x that stands for their length, both spread."""

    remainder: int
    power: int


def checksum(data: bytes) -> Checksum:
    """Give the checksum of `data`."""
    return checksum_of_length(_spread(_reversed(zlib.crc32(data))), len(data))


def checksum_of_length(remainder: int, length: int) -> Checksum:
    """Give the checksum of so many bytes with this remainder, spread."""
    return Checksum(remainder, _power(length))


def joined(before: int, after: Checksum) -> int:
    """Give the remainder, spread, of bytes with the remainder `before`, followed by others."""
    return _product(before, after.power) ^ after.remainder


def crc32(remainder: int) -> int:
    """Give a spread remainder as zlib writes it."""
    lanes = remainder.to_bytes(_DEGREE, "little")
    return sum(1 << (_DEGREE - 1 - exponent) for exponent, lane in enumerate(lanes) if lane)


def _product(one: int, other: int) -> int:
    """Multiply modulo the generator, after Barrett: two more products instead of a division."""
    product = one * other & _LOW_63
    quotient = ((product >> _SHIFT) * _RECIPROCAL >> _SHIFT) & _LOW_32
    return (product ^ quotient * _SPREAD_GENERATOR) & _LOW_32


def _power(length: int) -> int:
    """Give x to the power of eight times `length`."""
    power, place = 1, 0
    while length:
        length, digit = divmod(length, _BYTE)
        if digit:
            power = _product(power, _powers(place)[digit])
        place += 1
    return power


@cache
def _powers(place: int) -> tuple[int, ...]:
    """Give the powers for all values of one byte of a length, the lowest byte being place 0."""
    # x to the power of eight, for a byte; then that of 256 of what is one place lower.
    step = _spread(1 << 8)
    if place:
        step = _product(_powers(place - 1)[-1], _powers(place - 1)[1])
    powers = [1]
    for _ in range(_BYTE - 1):
        powers.append(_product(powers[-1], step))
    return tuple(powers)


def _reversed(crc: int) -> int:
    """Bring what zlib gives, highest power first, into the order of powers."""
    return int(f"{crc:032b}"[::-1], 2)


def _spread(polynomial: int) -> int:
    """Give each coefficient a byte of its own."""
    return int.from_bytes(f"{polynomial:b}".encode().translate(_DIGITS), "big")


def _quotient(dividend: int, divisor: int) -> int:
    quotient = 0
    while (excess := dividend.bit_length() - divisor.bit_length()) >= 0:
        quotient |= 1 << excess
        dividend ^= divisor << excess
    return quotient


_DIGITS = bytes.maketrans(b"01", b"\0\1")
_LOW_32 = _spread((1 << _DEGREE) - 1)
_LOW_63 = _spread((1 << 2 * _DEGREE - 1) - 1)
_SPREAD_GENERATOR = _spread(_GENERATOR)
_RECIPROCAL = _spread(_quotient(1 << 2 * _DEGREE, _GENERATOR))
