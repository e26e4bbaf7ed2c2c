"""The data folder: its permissions, and the lock that gives it to one process at a time."""

import fcntl
import os
import stat
from pathlib import Path
from typing import Final

from app.core import log
from app.core.errors import ReplayError

LOCK_NAME: Final = "playhead.lock"
_OUR_NAMES: Final = frozenset(
    (LOCK_NAME, "playhead.address", "journal", "objects", "cache", "postgres", "postgres.making",
     "postgres.log", "postgres.log.old", "erasures.log", "restoring.json", "lost+found")
)  # fmt: skip
_PASSABLE: Final = 0o755
_GROUP_PASSES: Final = 0o010
_PRIVATE: Final = 0o700

_logger: Final = log.get_logger("db.folder")


def make_private(folder: Path) -> None:
    """Make a folder that only its owner can enter, if it is missing.

    Missing parent folders are made with the usual permissions: when we are root, Postgres runs as
    another system user, who must be able to pass through them.
    """
    missing = [step for step in folder.parents if not step.exists()]
    for step in reversed(missing):
        step.mkdir(exist_ok=True)
        step.chmod(_PASSABLE)
    folder.mkdir(mode=_PRIVATE, exist_ok=True)


def close_to_others(data_dir: Path) -> None:
    """Remove the permissions of other users on a data folder that an older release made.

    A folder that also contains foreign files, or belongs to somebody else, is left as it is; the
    log and `playhead doctor` say so.
    """
    for path in _list_own_entries(data_dir):
        _restrict_mode(path, keep=_PRIVATE)
    if not is_open_to_others(data_dir):
        return
    strangers = sorted(path.name for path in data_dir.iterdir() if path.name not in _OUR_NAMES)
    if strangers or data_dir.stat().st_uid != os.geteuid():
        reason = f"it also holds {strangers[0]}" if strangers else "it belongs to another user"
        _logger.warning("data_folder_open_to_others", folder=str(data_dir), reason=reason)
        return
    _restrict_mode(data_dir, keep=_PRIVATE | _GROUP_PASSES)


def is_open_to_others(data_dir: Path) -> bool:
    """Tell whether other users may list the data folder or pass through it.

    Its group may pass: when we are root, it is the group of the user who runs Postgres.
    """
    return bool(stat.S_IMODE(data_dir.stat().st_mode) & ~(_PRIVATE | _GROUP_PASSES))


def _list_own_entries(data_dir: Path) -> list[Path]:
    return [
        path
        for path in data_dir.iterdir()
        if path.name in _OUR_NAMES and not path.is_symlink() and path.stat().st_uid == os.geteuid()
    ]


def _restrict_mode(path: Path, *, keep: int) -> None:
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & ~keep:
        path.chmod(mode & keep)
        _logger.info("closed_to_others", path=str(path), before=f"{mode:04o}")


class DataFolderInUse(ReplayError):
    """Another process uses this data folder.

    Attributes:
        pid: The id of that process, or None as long as it has not written it into the lock file.
    """

    def __init__(self, data_dir: Path, pid: int | None) -> None:
        who = f"process {pid}" if pid else "another process"
        super().__init__(f"{data_dir} is in use by {who}")
        self.pid = pid


class DataFolderLock:
    """The right to run an embedded Postgres and a journal in a data folder.

    The kernel releases the lock when its holder dies. The file stays behind; only the kernel's lock
    on it counts.
    """

    def __init__(self, handle: int) -> None:
        self._handle: int | None = handle

    @classmethod
    def acquire(cls, data_dir: Path) -> "DataFolderLock":
        """Lock the folder, and make it if it is missing.

        Raises:
            DataFolderInUse: Another process holds the lock.
        """
        make_private(data_dir)
        handle = os.open(data_dir / LOCK_NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            written = os.read(handle, 20).strip()
            os.close(handle)
            raise DataFolderInUse(data_dir, int(written) if written.isdigit() else None) from None
        os.ftruncate(handle, 0)
        os.write(handle, f"{os.getpid()}\n".encode())
        return cls(handle)

    def release(self) -> None:
        """Release the lock; does nothing the second time."""
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None
