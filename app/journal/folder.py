"""Journal folders: each belongs to one living process, which holds the lock inside it.

    <root>/019ab3…/lock            flock held by the owner; the kernel lets go when it dies
    <root>/019ab3…/0000….journal

A folder's name is the journal's id: 32 hex digits that sort by the time it was made.
"""

import contextlib
import fcntl
import os
import secrets
from pathlib import Path
from typing import Final

from app.core import clock, ids
from app.core.errors import ServiceUnavailable

FOLDER_MODE: Final = 0o700
FILE_MODE: Final = 0o600
_LOCK: Final = "lock"
_LOCK_FLAGS: Final = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
_TRIES: Final = 8


def new(root: Path) -> tuple[Path, int]:
    """Make a folder of one's own below `root`.

    Returns:
        The folder, and the descriptor that holds its lock.

    Raises:
        ServiceUnavailable: It cannot be made.
    """
    try:
        _make_root(root)
        for _ in range(_TRIES):
            folder = root / _new_id()
            folder.mkdir(FOLDER_MODE)
            lock = claim(folder)
            if lock is not None:
                sync(root)
                return folder, lock
    except OSError as error:
        raise ServiceUnavailable(f"no journal folder in {root}: {error.strerror}") from error
    raise ServiceUnavailable(f"no journal folder in {root}: others take each one as it is made")


def claim(folder: Path) -> int | None:
    """Take the lock of a folder without waiting.

    Returns:
        The descriptor that holds the lock; None when a living process has it, or when the folder
        has just been removed.

    Raises:
        OSError: The lock file cannot be opened.
    """
    try:
        lock = os.open(folder / _LOCK, _LOCK_FLAGS, FILE_MODE)
    except FileNotFoundError:
        return None
    with contextlib.suppress(BlockingIOError, FileNotFoundError):
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # Whoever had it may have removed the folder between our open and our lock.
        if os.path.samestat(os.fstat(lock), (folder / _LOCK).stat()):
            return lock
    os.close(lock)
    return None


def others(root: Path, own: str | None) -> list[Path]:
    """Return the journal folders below `root` except one's own, the oldest first.

    Raises:
        OSError: The root cannot be read.
    """
    if not root.is_dir():
        return []
    return sorted(
        path
        for path in root.iterdir()
        if path.name != own and ids.read_hex32(path.name) == path.name
    )


def remove(folder: Path) -> None:
    """Remove a folder whose lock one holds, with everything in it.

    Raises:
        OSError: Something in it cannot be removed.
    """
    for path in folder.iterdir():
        if path.name != _LOCK:
            path.unlink()
    (folder / _LOCK).unlink()
    with contextlib.suppress(OSError):  # a process that looks for folders made a new lock in it
        folder.rmdir()


def sync(folder: Path) -> None:
    """Make the names in a folder survive a power cut.

    Raises:
        OSError: They may not.
    """
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def _make_root(root: Path) -> None:
    if not root.is_dir():
        root.mkdir(FOLDER_MODE, parents=True, exist_ok=True)
        sync(root.parent)


def _new_id() -> str:
    """Return 48 bits of time and 80 random ones, as UUIDs of version 7 have them."""
    return f"{clock.now_ms():012x}{secrets.token_hex(10)}"
