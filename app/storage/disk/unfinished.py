"""Files that are being written, and those that a process left half written when it died.

Whoever writes a file holds a lock on it, which ends with the process. So a file without a lock is
nobody's: it may hold what was erased meanwhile, and is removed.
"""

import contextlib
import fcntl
import os
from typing import Final

from app.core import clock

_OPEN_FLAGS: Final = os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC
_FRESH_MS: Final = 3_000
"""A younger file may not be locked yet by the process that has just made it."""


def mark_as_written(fd: int) -> None:
    """Lock a new file for as long as it is open, so that nobody takes it for a leftover."""
    with contextlib.suppress(OSError):  # some network file systems have no locks
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)


def remove_unfinished(folder_fd: int) -> int:
    """Remove the files in a folder that nobody writes any more.

    Returns:
        How many there are that may be leftovers and are too young to tell.
    """
    youngest_ms = clock.now_ms() - _FRESH_MS
    undecided = 0
    for name in os.listdir(folder_fd):
        with contextlib.suppress(OSError):  # another process may tidy up at the same time
            fd = os.open(name, _OPEN_FLAGS, dir_fd=folder_fd)
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if os.fstat(fd).st_mtime_ns // 1_000_000 < youngest_ms:
                    os.unlink(name, dir_fd=folder_fd)
                else:
                    undecided += 1
            finally:
                os.close(fd)
    return undecided
