"""One data folder, one process: a lock that the kernel lets go when its holder dies."""

import fcntl
import os
import stat
from pathlib import Path
from typing import Final

from app.core import log
from app.core.errors import ReplayError

NAME: Final = "playhead.lock"
_OUR_NAMES: Final = frozenset(
    (NAME, "playhead.address", "journal", "objects", "postgres", "postgres.making", "postgres.log",
     "postgres.log.old", "lost+found")
)  # fmt: skip
_PASSABLE: Final = 0o755
_GROUP_PASSES: Final = 0o010
_PRIVATE: Final = 0o700

_logger: Final = log.get_logger("db.folder")


def make_private(folder: Path) -> None:
    """Make a folder that is ours alone, if it is missing.

    Missing folders on the way are made as anybody makes them: another system user, who runs
    Postgres when we are root, must be able to pass.
    """
    missing = [step for step in folder.parents if not step.exists()]
    for step in reversed(missing):
        step.mkdir(exist_ok=True)
        step.chmod(_PASSABLE)
    folder.mkdir(mode=_PRIVATE, exist_ok=True)


def tighten(data_dir: Path) -> None:
    """Take away what a data folder that an older release made allows to others.

    A folder that also holds what is not ours, or belongs to somebody else, is left as it is; the
    log and `playhead doctor` say so.
    """
    for path in _ours_within(data_dir):
        _close(path, keep=_PRIVATE)
    if not is_open_to_others(data_dir):
        return
    strangers = sorted(path.name for path in data_dir.iterdir() if path.name not in _OUR_NAMES)
    if strangers or data_dir.stat().st_uid != os.geteuid():
        reason = f"it also holds {strangers[0]}" if strangers else "it belongs to another user"
        _logger.warning("data_folder_open_to_others", folder=str(data_dir), reason=reason)
        return
    _close(data_dir, keep=_PRIVATE | _GROUP_PASSES)


def is_open_to_others(data_dir: Path) -> bool:
    """Tell whether other users may list the data folder or pass it.

    The group may pass: when we are root, it is the one of the user who runs Postgres.
    """
    return bool(stat.S_IMODE(data_dir.stat().st_mode) & ~(_PRIVATE | _GROUP_PASSES))


def _ours_within(data_dir: Path) -> list[Path]:
    return [
        path
        for path in data_dir.iterdir()
        if path.name in _OUR_NAMES and not path.is_symlink() and path.stat().st_uid == os.geteuid()
    ]


def _close(path: Path, *, keep: int) -> None:
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & ~keep:
        path.chmod(mode & keep)
        _logger.info("closed_to_others", path=str(path), before=f"{mode:04o}")


class Taken(ReplayError):
    """Another process works in this data folder.

    Attributes:
        pid: That process; None while it has not written its number yet.
    """

    def __init__(self, data_dir: Path, pid: int | None) -> None:
        who = f"process {pid}" if pid else "another process"
        super().__init__(f"{data_dir} is in use by {who}")
        self.pid = pid


class DataFolderLock:
    """The right to run an embedded Postgres and a journal in a data folder.

    The file stays behind after `release`; only the kernel's lock on it means something.
    """

    def __init__(self, handle: int) -> None:
        self._handle: int | None = handle

    @classmethod
    def acquire(cls, data_dir: Path) -> "DataFolderLock":
        """Take the folder, making it if it is missing.

        Raises:
            Taken: Another process has it.
        """
        make_private(data_dir)
        handle = os.open(data_dir / NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            written = os.read(handle, 20).strip()
            os.close(handle)
            raise Taken(data_dir, int(written) if written.isdigit() else None) from None
        os.ftruncate(handle, 0)
        os.write(handle, f"{os.getpid()}\n".encode())
        return cls(handle)

    def release(self) -> None:
        """Let the folder go; does nothing the second time."""
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None
