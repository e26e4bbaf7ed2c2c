"""One data folder, one process."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from app.db.folder import (
    LOCK_NAME,
    DataFolderInUse,
    DataFolderLock,
    close_to_others,
    is_open_to_others,
    make_private,
)


def test_a_folder_is_made_and_taken(tmp_path: Path):
    """The lock file says who has it, and is readable by its owner only."""
    lock = DataFolderLock.acquire(tmp_path / "deep" / "data")
    file = tmp_path / "deep" / "data" / LOCK_NAME
    assert file.read_text() == f"{os.getpid()}\n"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    lock.release()


def test_a_second_taker_learns_who_has_it(tmp_path: Path):
    """Two servers on one folder: the second says which process is in the way."""
    lock = DataFolderLock.acquire(tmp_path)
    with pytest.raises(DataFolderInUse, match=f"in use by process {os.getpid()}") as taken:
        DataFolderLock.acquire(tmp_path)
    assert taken.value.pid == os.getpid()
    lock.release()


def test_a_taker_that_has_not_written_its_number_is_nameless(tmp_path: Path):
    """Between taking and writing there is no pid; the folder is taken all the same."""
    lock = DataFolderLock.acquire(tmp_path)
    (tmp_path / LOCK_NAME).write_text("")
    with pytest.raises(DataFolderInUse, match="another process") as taken:
        DataFolderLock.acquire(tmp_path)
    assert taken.value.pid is None
    lock.release()


def test_a_folder_let_go_is_free(tmp_path: Path):
    """Release works once and may be called twice; a longer pid leaves no trace."""
    (tmp_path / LOCK_NAME).write_text("99999999999\n")
    lock = DataFolderLock.acquire(tmp_path)
    lock.release()
    lock.release()
    DataFolderLock.acquire(tmp_path).release()
    assert (tmp_path / LOCK_NAME).read_text() == f"{os.getpid()}\n"


def test_a_killed_process_lets_go(tmp_path: Path):
    """The kernel drops the lock with its holder; nobody has to delete a file."""
    script = (
        "import os, sys, pathlib; from app.db.folder import DataFolderLock;"
        "lock = DataFolderLock.acquire(pathlib.Path(sys.argv[1])); os.kill(os.getpid(), 9)"
    )
    done = subprocess.run([sys.executable, "-c", script, str(tmp_path)], check=False)
    assert done.returncode == -9
    DataFolderLock.acquire(tmp_path).release()


def mode(path: Path) -> int:
    """Return the permissions of a path."""
    return stat.S_IMODE(path.stat().st_mode)


def test_a_data_folder_is_private_and_the_way_to_it_is_not(tmp_path: Path):
    """Whoever runs Postgres must be able to pass what we make on the way, whatever our umask is."""
    before = os.umask(0o077)
    try:
        make_private(tmp_path / "deep" / "data")
    finally:
        os.umask(before)
    assert (mode(tmp_path / "deep"), mode(tmp_path / "deep" / "data")) == (0o755, 0o700)


def test_a_folder_of_an_older_release_is_closed_to_others(tmp_path: Path):
    """The folder, its log and its address had what the umask of that day left."""
    data = tmp_path / "data"
    (data / "journal").mkdir(parents=True)
    (data / "postgres.log").touch()
    (data / "playhead.address").touch()
    for path in (data, data / "journal"):
        path.chmod(0o755)
    for name in ("postgres.log", "playhead.address"):
        (data / name).chmod(0o644)
    assert is_open_to_others(data)
    close_to_others(data)
    assert not is_open_to_others(data)
    assert (mode(data), mode(data / "journal")) == (0o710, 0o700)
    assert (mode(data / "postgres.log"), mode(data / "playhead.address")) == (0o600, 0o600)


def test_a_folder_that_holds_other_things_is_left_open(tmp_path: Path):
    """Somebody named their home or /srv: closing it would break what is not ours."""
    (tmp_path / "photos").mkdir()
    (tmp_path / "objects").mkdir()
    for path in (tmp_path, tmp_path / "photos", tmp_path / "objects"):
        path.chmod(0o755)
    close_to_others(tmp_path)
    assert (mode(tmp_path), mode(tmp_path / "photos")) == (0o755, 0o755)
    assert mode(tmp_path / "objects") == 0o700
    assert is_open_to_others(tmp_path)


def test_what_a_link_leads_to_is_left_alone(tmp_path: Path):
    """Objects may lie on another disk, under rules of their own."""
    data, elsewhere = tmp_path / "data", tmp_path / "elsewhere"
    data.mkdir(mode=0o700)
    elsewhere.mkdir()
    elsewhere.chmod(0o755)
    (data / "objects").symlink_to(elsewhere)
    close_to_others(data)
    assert mode(elsewhere) == 0o755
