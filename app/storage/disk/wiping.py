"""Wipes ranges of a file: they read as zeros, and the file system frees their blocks."""

import ctypes
import errno
import os
from collections.abc import Sequence
from typing import Final

_KEEP_SIZE: Final = 1
_PUNCH_HOLE: Final = 2
_NOT_HERE: Final = (errno.EOPNOTSUPP, errno.ENOSYS)
_CHUNK_BYTES: Final = 1024 * 1024


def wipe_ranges(fd: int, ranges: Sequence[tuple[int, int]]) -> None:
    """Overwrite ranges with zeros and wait until they are on the disk.

    Args:
        fd: A file open for reading and writing.
        ranges: The offset and length of each range; parts beyond the end are ignored.

    Raises:
        OSError: The disk refused.
    """
    size_bytes = os.fstat(fd).st_size
    for offset, length in ranges:
        end = min(offset + length, size_bytes)
        if offset < end and not _try_to_punch_hole(fd, offset, end - offset):
            _overwrite(fd, offset, end)
    os.fsync(fd)


def _try_to_punch_hole(fd: int, offset: int, length: int) -> bool:
    """Punch a hole, which reads as zeros; returns False if the file system does not support it."""
    fallocate = getattr(ctypes.CDLL(None, use_errno=True), "fallocate", None)
    if fallocate is None:
        return False
    flags = _KEEP_SIZE | _PUNCH_HOLE
    if fallocate(fd, flags, ctypes.c_int64(offset), ctypes.c_int64(length)) == 0:
        return True
    code = ctypes.get_errno()
    if code in _NOT_HERE:
        return False
    raise OSError(code, os.strerror(code))


def _overwrite(fd: int, offset: int, end: int) -> None:
    while offset < end:
        offset += os.pwrite(fd, bytes(min(_CHUNK_BYTES, end - offset)), offset)
