"""Writes the files of one journal; used by its writer thread and by nobody else.

A file whose write failed is never written again: the failed tail is cut off as far as the disk
allows, so that the acknowledged entries before it stay readable, and the next write begins a new
file.

Writes bypass the page cache, in whole blocks: entries are read back only after a crash, and through
the cache a write would cost twenty times as much (208 us for 78 KB, against 6 to 10).
"""

import contextlib
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from app.core import clock
from app.core.direct_io import BytesLike, DirectWriteBuffer, bypass_page_cache
from app.core.errors import ServiceUnavailable
from app.core.units import format_bytes
from app.journal import files
from app.journal.files import WrittenFile
from app.journal.folder import FILE_MODE
from app.journal.kept_files import KeptFiles

_FLAGS: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_ROOM_TRUSTED_S: Final = 1.0
"""The time after which the free disk space is read again."""
_STAGING_BYTES: Final = 2 * 1024 * 1024


class JournalAppender:
    """The files of a journal folder: one is being written, the closed ones wait for release."""

    def __init__(
        self,
        folder: Path,
        *,
        file_bytes: int,
        file_s: float,
        reserve_bytes: int,
        keep_s: float = 0,
    ) -> None:
        """Open the folder for writing.

        Args:
            folder: An empty folder whose lock is held.
            file_bytes: The size at which a file is closed.
            file_s: The age at which a file is closed, so that digested entries leave the disk soon
                even when few arrive.
            reserve_bytes: The free disk space that writes must leave.
            keep_s: The seconds for which a released file stays, in case Postgres loses commits.

        Raises:
            OSError: The folder cannot be opened.
        """
        self._folder = folder
        self._folder_fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        self._file_bytes = file_bytes
        self._file_s = file_s
        self._reserve_bytes = reserve_bytes
        self._staging = DirectWriteBuffer(_STAGING_BYTES)
        self._room_bytes = 0
        self._room_asked_s = float("-inf")
        self._live: WrittenFile | None = None
        self._closed: list[WrittenFile] = []
        self._is_keeping = keep_s > 0
        self.kept: Final = KeptFiles(keep_s)
        """Released files that are still there."""
        self._previous_bytes = 0
        """The synced size of the file before the next one."""
        self._released_seq = 0

    def write(self, buffers: Sequence[BytesLike], *, first_seq: int, last_seq: int) -> None:
        """Write entries, and return when they would survive a power cut.

        Raises:
            ServiceUnavailable: The disk has no room beyond the reserve.
            OSError: The write failed; the entries count as never written.
        """
        size_bytes = sum(map(len, buffers))
        self._check_room(size_bytes)
        live = self._live
        if live is None:
            live, header = self._begin(first_seq)
            buffers = [header, *buffers]
        try:
            written_bytes = self._staging.write(live.fd, buffers, live.synced_bytes)
            os.fdatasync(live.fd)
        except BaseException:
            self._finish(live, is_torn=True)
            raise
        live.synced_bytes += written_bytes
        live.last_seq = last_seq
        self._room_bytes -= written_bytes
        if live.synced_bytes >= self._file_bytes or self.seconds_until_close() == 0:
            self._finish(live)

    def seconds_until_close(self) -> float | None:
        """Return the seconds until the current file is old enough to close; None without one."""
        if self._live is None:
            return None
        return max(0.0, self._live.begun_s + self._file_s - clock.monotonic_s())

    def close_old_file(self) -> None:
        """Close the file being written when it is old enough."""
        if self._live is not None and self.seconds_until_close() == 0:
            self._finish(self._live)

    def release(self, seq: int) -> None:
        """Remove the closed files that hold nothing after `seq`, now or when their time is over."""
        self._released_seq = max(self._released_seq, seq)
        self._release_closed()
        self.kept.remove_old()

    def reopen(self, seq: int) -> None:
        """Take back the release of everything after `seq`: Postgres has lost it."""
        self._released_seq = min(self._released_seq, seq)
        self._closed = [*self.kept.take_after(seq), *self._closed]

    def close(self) -> bool:
        """Close everything; returns whether no file is left that somebody may need."""
        if self._live is not None:
            self._finish(self._live)
        os.close(self._folder_fd)
        return not self._closed and not self.kept.size_bytes

    def _check_room(self, size_bytes: int) -> None:
        now_s = clock.monotonic_s()
        needed_bytes = size_bytes + self._reserve_bytes
        if self._room_bytes < needed_bytes or now_s - self._room_asked_s > _ROOM_TRUSTED_S:
            self._ask_for_room()
        if self._room_bytes < needed_bytes and self.kept.give_up():
            self._ask_for_room()
        if self._room_bytes < needed_bytes:
            room, reserve = format_bytes(self._room_bytes), format_bytes(self._reserve_bytes)
            raise ServiceUnavailable(f"{room} of disk space are left, {reserve} are kept free")

    def _ask_for_room(self) -> None:
        disk_space = os.fstatvfs(self._folder_fd)
        self._room_bytes = disk_space.f_bavail * disk_space.f_frsize
        self._room_asked_s = clock.monotonic_s()

    def _release_closed(self) -> None:
        """Let go of the closed files whose entries are all released."""
        closed, self._closed = self._closed, []
        for file in closed:
            if file.last_seq > self._released_seq:
                self._closed.append(file)
            elif self._is_keeping and file.last_seq:
                self.kept.add(file)
            elif not _is_removed(file.path):
                self._closed.append(file)
        if self.kept.size_bytes:
            self._ask_for_room()
            self.kept.shrink(self._room_bytes)

    def _begin(self, first_seq: int) -> tuple[WrittenFile, bytes]:
        """Make a file whose name is synced; its header is written with its first entries."""
        path = self._folder / files.name_journal_file(first_seq)
        fd = os.open(path.name, _FLAGS, FILE_MODE, dir_fd=self._folder_fd)
        bypass_page_cache(fd)
        live = self._live = WrittenFile(path, fd, clock.monotonic_s())
        try:
            os.fsync(self._folder_fd)
        except BaseException:
            self._finish(live, is_torn=True)
            raise
        return live, files.encode_file_header(files.FileHeader(first_seq, self._previous_bytes))

    def _finish(self, live: WrittenFile, *, is_torn: bool = False) -> None:
        self._live = None
        with contextlib.suppress(OSError):  # The tail was not acknowledged; readers skip it.
            if is_torn:
                os.ftruncate(live.fd, live.synced_bytes)
        with contextlib.suppress(OSError):  # Acknowledged entries are synced already.
            os.close(live.fd)
        self._previous_bytes = live.synced_bytes
        self._closed.append(live)
        self._release_closed()


def _is_removed(path: Path) -> bool:
    try:
        path.unlink(missing_ok=True)
    except OSError:  # The next release tries again.
        return False
    return True
