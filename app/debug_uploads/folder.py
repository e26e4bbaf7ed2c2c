"""Unnamed files on the local disk, for uploads that are larger than memory should hold.

They have no name, so nothing is left of them when the process dies.
"""

import io
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final, cast, override

from app.core.errors import ServiceUnavailable

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

_CHECK_EVERY_BYTES: Final = 16 * 1024 * 1024
"""Several files that all had room when they were opened may grow at once."""
_SPARE_BYTES: Final = 256 * 1024 * 1024
"""Free space that uploads leave beside what the journal reserves for itself."""


class UploadFolder:
    """The folder in which uploads lie while they are read."""

    def __init__(self, path: Path, *, reserve_bytes: int) -> None:
        """Set the path of the folder, which is made when it is first used.

        Args:
            path: The folder; best on the disk of local storage.
            reserve_bytes: Free space of the disk that belongs to the journal.
        """
        self._path = path
        self._spare_bytes = reserve_bytes + _SPARE_BYTES if reserve_bytes else 0

    def open_file(self, size_bytes: int = 0) -> BinaryIO:
        """Open an unnamed file, for writing and reading.

        Args:
            size_bytes: The final size, as far as it is known.

        Raises:
            ServiceUnavailable: The disk is too full, or does not answer; writing to the file raises
                it as well.
        """
        try:
            self._path.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._check_space(size_bytes)
            with tempfile.TemporaryFile(dir=self._path, buffering=0) as unnamed:
                watched = _WatchedFile(os.dup(unnamed.fileno()), self._check_space)
            return cast("BinaryIO", io.BufferedRandom(watched))
        except OSError as error:
            raise ServiceUnavailable(f"uploads cannot be written: {error.strerror}") from error

    def _check_space(self, size_bytes: int = 0) -> None:
        facts = os.statvfs(self._path)
        if facts.f_bavail * facts.f_frsize < size_bytes + self._spare_bytes:
            raise ServiceUnavailable("the disk is too full for uploads")


class _WatchedFile(io.FileIO):
    """An open file that looks for free space now and then while it is written."""

    def __init__(self, descriptor: int, check_space: Callable[[], None]) -> None:
        super().__init__(descriptor, "r+b")
        self._check_space = check_space
        self._unchecked_bytes = 0

    @override
    def write(self, data: "ReadableBuffer", /) -> int:
        """Write some bytes.

        Raises:
            ServiceUnavailable: The disk has become too full.
        """
        self._unchecked_bytes += memoryview(data).nbytes
        if self._unchecked_bytes >= _CHECK_EVERY_BYTES:
            # Before the check, so that closing the file can write what is left in its buffer.
            self._unchecked_bytes = 0
            self._check_space()
        return super().write(data)
