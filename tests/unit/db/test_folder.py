"""One data folder, one process."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from app.db.folder import NAME, DataFolderLock, Taken


def test_a_folder_is_made_and_taken(tmp_path: Path):
    """The lock file says who has it, and is readable by its owner only."""
    lock = DataFolderLock.acquire(tmp_path / "deep" / "data")
    file = tmp_path / "deep" / "data" / NAME
    assert file.read_text() == f"{os.getpid()}\n"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    lock.release()


def test_a_second_taker_learns_who_has_it(tmp_path: Path):
    """Two servers on one folder: the second says which process is in the way."""
    lock = DataFolderLock.acquire(tmp_path)
    with pytest.raises(Taken, match=f"in use by process {os.getpid()}") as taken:
        DataFolderLock.acquire(tmp_path)
    assert taken.value.pid == os.getpid()
    lock.release()


def test_a_taker_that_has_not_written_its_number_is_nameless(tmp_path: Path):
    """Between taking and writing there is no pid; the folder is taken all the same."""
    lock = DataFolderLock.acquire(tmp_path)
    (tmp_path / NAME).write_text("")
    with pytest.raises(Taken, match="another process") as taken:
        DataFolderLock.acquire(tmp_path)
    assert taken.value.pid is None
    lock.release()


def test_a_folder_let_go_is_free(tmp_path: Path):
    """Release works once and may be called twice; a longer pid leaves no trace."""
    (tmp_path / NAME).write_text("99999999999\n")
    lock = DataFolderLock.acquire(tmp_path)
    lock.release()
    lock.release()
    DataFolderLock.acquire(tmp_path).release()
    assert (tmp_path / NAME).read_text() == f"{os.getpid()}\n"


def test_a_killed_process_lets_go(tmp_path: Path):
    """The kernel drops the lock with its holder; nobody has to delete a file."""
    script = (
        "import os, sys, pathlib; from app.db.folder import DataFolderLock;"
        "lock = DataFolderLock.acquire(pathlib.Path(sys.argv[1])); os.kill(os.getpid(), 9)"
    )
    done = subprocess.run([sys.executable, "-c", script, str(tmp_path)], check=False)
    assert done.returncode == -9
    DataFolderLock.acquire(tmp_path).release()
