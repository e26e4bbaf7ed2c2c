"""Files of a backup: private, synced, and written under another name until they are whole."""

import errno
import hashlib
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from app.backup.model import BackupFile, BackupUnfinished, DamagedBackup
from app.core.units import format_bytes

UNFINISHED: Final = ".unfinished-"
"""The beginning of the names of files that are being written."""
FOLDER_MODE: Final = 0o700
_FILE_MODE: Final = 0o600
_NEW: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_PIECE_BYTES: Final = 1024 * 1024
_FULL: Final = (errno.ENOSPC, errno.EDQUOT)


class FileWriter:
    """A file that is written in pieces, hashed meanwhile, and named when it is whole."""

    def __init__(self, folder: Path) -> None:
        """Begin a file in a folder.

        Raises:
            BackupUnfinished: It cannot be made.
        """
        self._unfinished = folder / f"{UNFINISHED}{secrets.token_hex(8)}"
        self._hash = hashlib.sha256()
        self.size_bytes = 0
        with explaining_errors(folder):
            self._fd = os.open(self._unfinished, _NEW, _FILE_MODE)

    def write(self, data: bytes | memoryview) -> None:
        """Write the next bytes."""
        with explaining_errors(self._unfinished.parent):
            left = memoryview(data)
            while left:
                left = left[os.write(self._fd, left) :]
        self._hash.update(data)
        self.size_bytes += len(data)

    @property
    def sha256(self) -> str:
        """The checksum of what was written so far."""
        return self._hash.hexdigest()

    def finish(self, path: Path) -> None:
        """Sync the file, and give it its name."""
        with explaining_errors(path.parent):
            os.fdatasync(self._fd)
            path.parent.mkdir(FOLDER_MODE, exist_ok=True)
            self._unfinished.rename(path)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        os.close(self._fd)
        with suppress(OSError):  # the usual case: it has its name
            self._unfinished.unlink()


@contextmanager
def explaining_errors(folder: Path) -> Iterator[None]:
    """Say in words why something could not be written.

    Raises:
        BackupUnfinished: The disk is full, or refused otherwise.
    """
    try:
        yield
    except OSError as error:
        reason = error.strerror
        if error.errno in _FULL:
            reason = "the disk is full. Free some space, and run the same command again: it goes on"
        raise BackupUnfinished(f"{folder}: {reason}") from error


def write_file(path: Path, data: bytes) -> BackupFile:
    """Write a small file whole, over one of the same name; returns its facts."""
    with FileWriter(path.parent) as writer:
        writer.write(data)
        writer.finish(path)
        return BackupFile(path.name, writer.size_bytes, writer.sha256)


def hash_file(path: Path) -> tuple[int, str]:
    """Return the size and the SHA-256 of a file.

    Raises:
        DamagedBackup: It is missing, or the disk cannot read it.
    """
    hasher, size_bytes = hashlib.sha256(), 0
    try:
        with path.open("rb", buffering=0) as file:
            while piece := file.read(_PIECE_BYTES):
                hasher.update(piece)
                size_bytes += len(piece)
    except FileNotFoundError as error:
        raise DamagedBackup(f"{path} is missing") from error
    except OSError as error:
        raise DamagedBackup(f"{path} cannot be read: {error.strerror}") from error
    return size_bytes, hasher.hexdigest()


def check_file(path: Path, size_bytes: int, sha256: str) -> None:
    """Check that a file has the bytes that were written.

    Raises:
        DamagedBackup: It has not.
    """
    found_bytes, found_sha256 = hash_file(path)
    if found_bytes != size_bytes:
        sizes = f"{format_bytes(found_bytes)} instead of {format_bytes(size_bytes)}"
        raise DamagedBackup(f"{path} has {sizes}")
    if found_sha256 != sha256:
        raise DamagedBackup(f"{path} has other bytes than were written: its checksum differs")


def sync_folder(folder: Path) -> None:
    """Let the names in a folder survive a power cut."""
    with explaining_errors(folder):
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
