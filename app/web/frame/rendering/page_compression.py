"""Packs a page as gzip, piece by piece as it is found.

    header │ text, packed fast │ text that many pages hold, packed well and long ago │ text … │ end

Deflate writes text as references to what came before. In front of the ready part the packer forgets
all of it, and the ready part refers to nothing but itself, so both can stand in one stream.

Source: RFC 1951, 1952.
"""

import struct
import zlib
from dataclasses import dataclass
from typing import Final

_FAST: Final = 1
_WELL: Final = 9
_RAW: Final = -15
"""Deflate alone, with the largest window."""
_HEADER: Final = b"\x1f\x8b\x08\0\0\0\0\0\0\xff"
_END: Final = struct.Struct("<II")
_SIZE_MASK: Final = 0xFFFF_FFFF


@dataclass(frozen=True, slots=True)
class CompressedPart:
    """A part of pages that does not change, and what packing makes of it."""

    text: bytes
    packed: bytes


def compress_part(text: bytes) -> CompressedPart:
    """Pack a part of pages once for all of them."""
    packer = zlib.compressobj(_WELL, wbits=_RAW)
    return CompressedPart(text, packer.compress(text) + packer.flush(zlib.Z_FULL_FLUSH))


class PageCompressor:
    """Packs one page; what `add` returns can be unpacked without what follows."""

    def __init__(self, part: CompressedPart) -> None:
        self._part = part
        self._deflate = zlib.compressobj(_FAST, wbits=_RAW)
        self._header = _HEADER
        self._checksum = 0
        self._size_bytes = 0

    def add(self, text: bytes) -> bytes:
        """Pack the next piece, which may hold the ready part once."""
        self._checksum = zlib.crc32(text, self._checksum)
        self._size_bytes += len(text)
        before, is_there, after = text.partition(self._part.text)
        packed, self._header = [self._header, self._deflate.compress(before)], b""
        if is_there:
            packed += [self._deflate.flush(zlib.Z_FULL_FLUSH), self._part.packed]
        packed += [self._deflate.compress(after), self._deflate.flush(zlib.Z_SYNC_FLUSH)]
        return b"".join(packed)

    def end(self) -> bytes:
        """Return what ends the page."""
        return self._deflate.flush() + _END.pack(self._checksum, self._size_bytes & _SIZE_MASK)
