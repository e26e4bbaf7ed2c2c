"""Journal folders: each belongs to one living process, which holds the lock inside it.

    <root>/019ab3…/lock            flock held by the owner; the kernel releases it when it dies
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


def make_journal_folder(root: Path) -> tuple[Path, int]:
    """Make and lock a folder for the journal of this process.

    Returns:
        The folder, and the descriptor that holds its lock.

    Raises:
        ServiceUnavailable: The folder cannot be made.
    """
    try:
        _make_root(root)
        for _ in range(_TRIES):
            folder = root / _new_id()
            folder.mkdir(FOLDER_MODE)
            lock = try_lock_folder(folder)
            if lock is not None:
                sync_folder(root)
                return folder, lock
    except OSError as error:
        raise ServiceUnavailable(f"no journal folder in {root}: {error.strerror}") from error
    raise ServiceUnavailable(f"no journal folder in {root}: other processes lock each one at once")


def try_lock_folder(folder: Path) -> int | None:
    """Lock a folder without waiting.

    Returns:
        The descriptor that holds the lock; None if a living process has it, or if the folder has
        just been removed.

    Raises:
        OSError: The lock file cannot be opened.
    """
    try:
        lock = os.open(folder / _LOCK, _LOCK_FLAGS, FILE_MODE)
    except FileNotFoundError:
        return None
    with contextlib.suppress(BlockingIOError, FileNotFoundError):
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # Its last owner may have removed the folder between our open and our lock.
        if os.path.samestat(os.fstat(lock), (folder / _LOCK).stat()):
            return lock
    os.close(lock)
    return None


def is_abandoned(folder: Path) -> bool:
    """Tell whether no living process owns a folder, or nothing can be told about it.

    The lock is shared, so that two who look do not hide an owner from one another. Who wants to
    adopt the folder at the same moment finds it locked, and looks again later.
    """
    try:
        lock = os.open(folder / _LOCK, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return True
    try:
        fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        os.close(lock)
    return True


def list_other_folders(root: Path, own: str | None) -> list[Path]:
    """Return the journal folders below `root` except this process's own, the oldest first.

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


def remove_folder(folder: Path) -> None:
    """Remove a folder that this process has locked, with everything in it.

    Raises:
        OSError: A file in it cannot be removed.
    """
    for path in folder.iterdir():
        if path.name != _LOCK:
            path.unlink()
    (folder / _LOCK).unlink()
    with contextlib.suppress(OSError):  # Another process may have made a new lock in it.
        folder.rmdir()


def sync_folder(folder: Path) -> None:
    """Sync the names in a folder, so that they survive a power cut.

    Raises:
        OSError: They cannot be synced.
    """
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def _make_root(root: Path) -> None:
    if not root.is_dir():
        root.mkdir(FOLDER_MODE, parents=True, exist_ok=True)
        sync_folder(root.parent)


def _new_id() -> str:
    """Return 48 bits of time and 80 random ones, as UUIDs of version 7 have them."""
    return f"{clock.now_ms():012x}{secrets.token_hex(10)}"
