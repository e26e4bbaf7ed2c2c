"""Compresses a page as gzip, piece by piece as it is rendered.

    header │ text, compressed fast │ part of many pages, compressed well beforehand │ text … │ end

Deflate writes text as references to the text before it. In front of the part that was compressed
beforehand, the compressor forgets all text, and that part refers to nothing but itself. So both can
stand in one stream.

Source: RFC 1951, 1952.
"""

import struct
import zlib
from dataclasses import dataclass
from typing import Final

_FAST: Final = 1
_WELL: Final = 9
_RAW: Final = -15
"""Deflate without a header, with the largest window."""
_HEADER: Final = b"\x1f\x8b\x08\0\0\0\0\0\0\xff"
_END: Final = struct.Struct("<II")
_SIZE_MASK: Final = 0xFFFF_FFFF


@dataclass(frozen=True, slots=True)
class CompressedPart:
    """A part of pages that does not change, and its compressed form."""

    text: bytes
    compressed: bytes


def compress_part(text: bytes) -> CompressedPart:
    """Compress a part of pages once for all of them."""
    deflate = zlib.compressobj(_WELL, wbits=_RAW)
    return CompressedPart(text, deflate.compress(text) + deflate.flush(zlib.Z_FULL_FLUSH))


class PageCompressor:
    """Compresses one page; the bytes that `add` returns can be read before the next ones."""

    def __init__(self, part: CompressedPart) -> None:
        self._part = part
        self._deflate = zlib.compressobj(_FAST, wbits=_RAW)
        self._header = _HEADER
        self._checksum = 0
        self._size_bytes = 0

    def add(self, text: bytes) -> bytes:
        """Compress the next piece, which may contain the part that was compressed beforehand."""
        self._checksum = zlib.crc32(text, self._checksum)
        self._size_bytes += len(text)
        before, is_there, after = text.partition(self._part.text)
        chunks, self._header = [self._header, self._deflate.compress(before)], b""
        if is_there:
            chunks += [self._deflate.flush(zlib.Z_FULL_FLUSH), self._part.compressed]
        chunks += [self._deflate.compress(after), self._deflate.flush(zlib.Z_SYNC_FLUSH)]
        return b"".join(chunks)

    def end(self) -> bytes:
        """Return the end of the stream."""
        return self._deflate.flush() + _END.pack(self._checksum, self._size_bytes & _SIZE_MASK)
