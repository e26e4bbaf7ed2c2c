"""One data folder, one process: a lock that the kernel lets go when its holder dies."""

import fcntl
import os
from pathlib import Path
from typing import Final

from app.core.errors import ReplayError

NAME: Final = "playhead.lock"
_PASSABLE: Final = 0o755
_PRIVATE: Final = 0o700


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
