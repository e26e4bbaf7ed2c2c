"""Writes files past the page cache: bytes that are written once, and read back seldom or never.

    parts ─ copied ─► aligned buffer ─ O_DIRECT ─► disk, zeros up to the next block

Measured on a virtual machine, 78 KB at a time, 32 to a sync: 8 us of CPU each, against 175 to 208
through the page cache, where every page written is a fresh one. Where a file system cannot do it
(or the platform has no such flag), the same calls write through the cache.
"""

import contextlib
import errno
import fcntl
import mmap
import os
from collections.abc import Iterable
from typing import Final

BLOCK_BYTES: Final = 4096
"""What offsets and lengths of direct writes are multiples of."""

BytesLike = bytes | bytearray | memoryview

_DIRECT: Final = getattr(os, "O_DIRECT", 0)


class DirectWriteBuffer:
    """An aligned buffer that writes pass through; for one thread at a time."""

    def __init__(self, size_bytes: int) -> None:
        """Make a buffer of a multiple of `BLOCK_BYTES`; memory is taken when it is first used."""
        self._view = memoryview(mmap.mmap(-1, size_bytes))

    def write(self, fd: int, parts: Iterable[BytesLike], offset: int = 0) -> int:
        """Write parts one after another, then zeros up to the next block.

        Args:
            fd: A file of `bypass_cache`; others work as well.
            parts: What to write.
            offset: Where to begin, a multiple of `BLOCK_BYTES`.

        Returns:
            Bytes written, padding included.

        Raises:
            OSError: The disk refused; some of it may have been written.
        """
        view, size_bytes = self._view, len(self._view)
        start, filled = offset, 0
        for part in parts:
            rest = memoryview(part)
            while rest:
                some = rest[: size_bytes - filled]
                view[filled : filled + len(some)] = some
                filled += len(some)
                rest = rest[len(some) :]
                if filled == size_bytes:
                    _write_all(fd, view, offset)
                    offset, filled = offset + filled, 0
        if filled:
            padded = round_up_to_blocks(filled)
            view[filled:padded] = bytes(padded - filled)
            _write_all(fd, view[:padded], offset)
            offset += padded
        return offset - start


def round_up_to_blocks(size_bytes: int) -> int:
    """Return the size with the padding that brings it to whole blocks."""
    return -(-size_bytes // BLOCK_BYTES) * BLOCK_BYTES


def bypass_page_cache(fd: int) -> None:
    """Let writes to an open file go past the page cache, where that can be had."""
    with contextlib.suppress(OSError):  # tmpfs and some network file systems say no
        fcntl.fcntl(fd, fcntl.F_SETFL, fcntl.fcntl(fd, fcntl.F_GETFL) | _DIRECT)


def _write_all(fd: int, data: memoryview, offset: int) -> None:
    while data:
        try:
            written = os.pwrite(fd, data, offset)
        except OSError as error:
            # An alignment this device does not take, or the rest of a write that came out short.
            if error.errno != errno.EINVAL or not _is_direct(fd):
                raise
            fcntl.fcntl(fd, fcntl.F_SETFL, fcntl.fcntl(fd, fcntl.F_GETFL) & ~_DIRECT)
            continue
        data, offset = data[written:], offset + written


def _is_direct(fd: int) -> bool:
    return bool(_DIRECT and fcntl.fcntl(fd, fcntl.F_GETFL) & _DIRECT)
