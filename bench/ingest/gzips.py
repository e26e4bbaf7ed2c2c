"""Makes gzip bodies that differ from one another, for next to nothing.

    head, changing      a stored block
    tail, always alike  deflated beforehand
    CRC-32              of the whole, from those of both

A segment of 94 kB takes some 50 us so, its ids and times included; compressing it would take more
than the server may spend on it.

Source: RFC 1951, section 3.2.4; RFC 1952.
"""

import struct
import zlib
from dataclasses import dataclass
from typing import Final

_HEADER: Final = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x00"
_LONGEST_BLOCK: Final = 0xFFFF


@dataclass(frozen=True, slots=True)
class Tail:
    """What follows every head."""

    size_bytes: int
    deflated: bytes
    crc: int
    shift: tuple[int, ...]
    """For each bit of a CRC-32, what it becomes when the tail's bytes follow."""


def tail(data: bytes) -> Tail:
    """Deflate what all bodies end with, as SDKs do."""
    deflater = zlib.compressobj(6, zlib.DEFLATED, -zlib.MAX_WBITS)
    zeros = bytes(len(data))
    nothing = zlib.crc32(zeros)
    # A CRC is linear once what zeros alone give is taken away.
    shift = tuple(zlib.crc32(zeros, 1 << bit) ^ nothing for bit in range(32))
    return Tail(len(data), deflater.compress(data) + deflater.flush(), zlib.crc32(data), shift)


def body(head: bytes, end: Tail) -> bytes:
    """Return the gzip form of the head and the tail."""
    stored = [head[at : at + _LONGEST_BLOCK] for at in range(0, len(head), _LONGEST_BLOCK)]
    blocks = [struct.pack("<BHH", 0, len(one), len(one) ^ 0xFFFF) + one for one in stored]
    size = struct.pack("<II", _joined_crc(head, end), len(head) + end.size_bytes)
    return b"".join((_HEADER, *blocks, end.deflated, size))


def _joined_crc(head: bytes, end: Tail) -> int:
    crc, left, bit = end.crc, zlib.crc32(head), 0
    while left:
        if left & 1:
            crc ^= end.shift[bit]
        left >>= 1
        bit += 1
    return crc
