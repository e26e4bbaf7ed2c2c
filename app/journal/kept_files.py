"""Keeps released journal files for a while, in case Postgres loses the commits that digested them.

When an asynchronous standby takes over, the commits of its last moments are gone. What they stored
is read again from the files that are kept here. They may take a tenth of the free disk space; the
oldest go first when that is not enough.
"""

from collections import deque
from dataclasses import dataclass
from typing import Final

from app.core import clock
from app.journal.files import WrittenFile

_MOST_OF_ROOM: Final = 0.1


@dataclass(frozen=True, slots=True)
class _KeptFile:
    file: WrittenFile
    released_s: float


class KeptFiles:
    """The released files of one journal. Its writer thread changes them; anybody may read sums."""

    def __init__(self, keep_s: float) -> None:
        """Make it for files that are to stay for `keep_s` seconds; 0 keeps none."""
        self._keep_s = keep_s
        self._files: deque[_KeptFile] = deque()
        self.size_bytes = 0
        """The disk space that the kept files take."""
        self.cut_short_bytes = 0
        """The size of all files so far that went before their time, for want of disk space."""

    def add(self, file: WrittenFile) -> None:
        """Take a file whose entries are all digested."""
        self._files.append(_KeptFile(file, clock.monotonic_s()))
        self.size_bytes += file.synced_bytes

    def remove_old(self) -> None:
        """Remove the files whose time is over; call it when Postgres is known to have the mark."""
        until_s = clock.monotonic_s() - self._keep_s
        while self._files and self._files[0].released_s <= until_s and self._remove_oldest():
            pass

    def shrink(self, room_bytes: int) -> None:
        """Remove the oldest files until the others take a tenth of the free disk space at most."""
        self._cut_short(int(_MOST_OF_ROOM * max(0, room_bytes)))

    def give_up(self) -> bool:
        """Remove all files, since new entries need the space; returns whether there were any."""
        had_files = bool(self._files)
        self._cut_short(0)
        return had_files

    def take_after(self, seq: int) -> list[WrittenFile]:
        """Return the files with entries after `seq`, in order, and keep them no longer."""
        taken = [kept.file for kept in self._files if kept.file.last_seq > seq]
        self._files = deque(kept for kept in self._files if kept.file.last_seq <= seq)
        self.size_bytes -= sum(file.synced_bytes for file in taken)
        return taken

    def _cut_short(self, most_bytes: int) -> None:
        while self._files and self.size_bytes > most_bytes:
            oldest_bytes = self._files[0].file.synced_bytes
            if not self._remove_oldest():
                return
            self.cut_short_bytes += oldest_bytes

    def _remove_oldest(self) -> bool:
        """Remove the oldest file; returns False if the disk does not let it go now."""
        file = self._files[0].file
        try:
            file.path.unlink(missing_ok=True)
        except OSError:
            return False
        self._files.popleft()
        self.size_bytes -= file.synced_bytes
        return True
