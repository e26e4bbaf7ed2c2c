"""The quick reader of gzip bodies: one member, inflated in one go by libdeflate.

Phones send nearly every envelope as one gzip member. libdeflate inflates it in two thirds to a
third of the time of zlib, but it has to know the size beforehand and checks less. So a body that it
might read otherwise than zlib does is left to `encoding.gunzip`, which also says what is wrong with
a broken one.
"""

import struct
from typing import Final

import deflate

_TRAILER: Final = struct.Struct("<II")
"""CRC-32 and size of the content, at the end of a gzip member."""
_LONGEST_PACKED_BYTES: Final = 8 * 1024 * 1024
_LONGEST_INFLATED_BYTES: Final = 32 * 1024 * 1024
"""The result is held twice for a moment, since the binding copies it."""
_HEADER_BYTES: Final = 10
_LONG_BODY_BYTES: Final = 4096
_LONG_BODY_START_BYTES: Final = 64
"""Start of a long body that is searched for: searching for more bytes goes four times as fast."""


def try_gunzip(body: bytes | bytearray, *, limit_bytes: int) -> bytearray | None:
    """Inflate a body that is one gzip member.

    libdeflate reads the first member only, and trusts the size at the end of the body to make room
    for it. The binding does not check a size of 0. So None is returned if the size is 0 or over the
    limit, if the first bytes of the body stand in it once more (it may be another member), and if
    the result does not have the size and the checksum that the end of the body tells.

    Args:
        body: Gzip body as it came.
        limit_bytes: Limit of the size of the result.

    Returns:
        The content, or None for a body that `encoding.gunzip` has to read.
    """
    if not _TRAILER.size < len(body) <= _LONGEST_PACKED_BYTES:
        return None
    crc, size_bytes = _TRAILER.unpack_from(body, len(body) - _TRAILER.size)
    if not 0 < size_bytes <= min(limit_bytes, _LONGEST_INFLATED_BYTES):
        return None
    start = body[: _HEADER_BYTES if len(body) < _LONG_BODY_BYTES else _LONG_BODY_START_BYTES]
    if body.find(start, len(start)) >= 0:
        return None
    try:
        content: bytearray = deflate.gzip_decompress(body)
    except (deflate.DeflateError, ValueError):
        return None
    is_whole = len(content) == size_bytes and deflate.crc32(content) == crc
    return content if is_whole else None
