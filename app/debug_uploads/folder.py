"""Unnamed files on the local disk, for uploads that are larger than memory should hold.

They have no name, so nothing is left of them when the process dies.
"""

import os
import tempfile
from pathlib import Path
from typing import BinaryIO, Final, cast

from app.core.errors import ServiceUnavailable

_SPARE_BYTES: Final = 256 * 1024 * 1024
"""Free space that uploads leave beside what the journal reserves for itself."""


class UploadFolder:
    """The folder in which uploads lie while they are read."""

    def __init__(self, path: Path, *, reserve_bytes: int) -> None:
        """Name the folder, which is made when it is first used.

        Args:
            path: The folder; best on the disk of local storage.
            reserve_bytes: Free space of the disk that belongs to the journal.
        """
        self._path = path
        self._spare_bytes = reserve_bytes + _SPARE_BYTES if reserve_bytes else 0

    def open_file(self, size_bytes: int = 0) -> BinaryIO:
        """Open an unnamed file, for writing and reading.

        Args:
            size_bytes: How large it will become, as far as that is known.

        Raises:
            ServiceUnavailable: The disk is too full, or does not answer.
        """
        try:
            self._path.mkdir(mode=0o700, parents=True, exist_ok=True)
            facts = os.statvfs(self._path)
            if facts.f_bavail * facts.f_frsize < size_bytes + self._spare_bytes:
                raise ServiceUnavailable("the disk is too full for uploads")
            return cast("BinaryIO", tempfile.TemporaryFile(dir=self._path))
        except OSError as error:
            raise ServiceUnavailable(f"uploads cannot be written: {error.strerror}") from error
