"""Journal folders have one living owner; those of dead processes are read and removed."""

import errno
import fcntl
import os
import stat

import pytest

from app.core import ids
from app.core.errors import ServiceUnavailable
from app.journal import files, folder as folders, reader
from app.journal.adopt import lock_abandoned_journals
from tests.support.builders.journals import entry_of, file_of


def refuse(code: int):
    """Make a system call that always fails."""

    def call(*_args: object, **_named: object) -> None:
        raise OSError(code, os.strerror(code))

    return call


@pytest.fixture
def root(tmp_path):
    """The folder of all journals, which does not exist yet."""
    return tmp_path / "data/journal"


def dead(root, *contents: bytes, names=(1, 4, 7)):
    """Leave a journal folder as a killed process does."""
    path, lock = folders.make_journal_folder(root)
    for name, content in zip(names, contents, strict=False):
        (path / files.name_journal_file(name)).write_bytes(content)
    os.close(lock)
    return path


def test_new_folder_is_private_and_its_name_is_an_id(root):
    """Folders are 0700, the lock 0600, the name 32 hex digits."""
    path, lock = folders.make_journal_folder(root)
    assert stat.S_IMODE(root.stat().st_mode) == 0o700
    assert stat.S_IMODE(path.stat().st_mode) == 0o700
    assert stat.S_IMODE((path / "lock").stat().st_mode) == 0o600
    assert ids.read_hex32(path.name) == path.name
    os.close(lock)


def test_folder_of_a_living_process_is_left_alone(root):
    """A lock excludes others, also within one process, until it is released."""
    path, lock = folders.make_journal_folder(root)
    assert lock_abandoned_journals(root, None) == []
    assert folders.try_lock_folder(path) is None
    os.close(lock)
    (abandoned,) = lock_abandoned_journals(root, None)
    assert abandoned.id == path.name
    assert lock_abandoned_journals(root, None) == []
    abandoned.unlock()
    abandoned.unlock()
    (again,) = lock_abandoned_journals(root, None)
    again.unlock()


def test_own_folder_is_not_adopted(root):
    """A process skips its own folder."""
    path = dead(root)
    assert lock_abandoned_journals(root, path.name) == []


def test_oldest_folder_comes_first_and_strays_are_ignored(root):
    """Only folders named by the id of a journal count, in the order they were made."""
    paths = sorted(dead(root) for _ in range(3))
    (root / "lost+found").mkdir()
    (root / "README").touch()
    abandoned_journals = lock_abandoned_journals(root, None)
    assert [journal.path for journal in abandoned_journals] == paths
    for journal in abandoned_journals:
        journal.unlock()


def test_no_root_means_nothing_to_adopt(root):
    """Before the first start there is no folder at all."""
    assert lock_abandoned_journals(root, None) == []


def test_adopted_folder_is_read_released_and_removed(root):
    """Entries come in order; digested files are removed, and the folder at last."""
    first = file_of([entry_of(1), entry_of(3)])
    second = file_of([entry_of(4)], first_seq=4, previous_bytes=len(first))
    path = dead(root, first, second)
    (abandoned,) = lock_abandoned_journals(root, None)
    assert abandoned.size_bytes() == len(first) + len(second)
    assert [entry.seq for entry in abandoned.read()] == [1, 3, 4]
    assert [entry.seq for entry in abandoned.read(1)] == [3, 4]
    abandoned.release(2)
    assert abandoned.size_bytes() == len(first) + len(second)
    abandoned.release(3)
    assert abandoned.size_bytes() == len(second)
    abandoned.release(9)
    assert [entry.seq for entry in abandoned.read()] == [4]
    abandoned.remove()
    assert not path.exists()
    assert lock_abandoned_journals(root, None) == []


def test_damage_in_an_adopted_folder_is_reported(root):
    """The caller can give a function that is called with damage."""
    dead(root, b"garbage" * 9)
    (abandoned,) = lock_abandoned_journals(root, None)
    damages: list[reader.JournalDamage] = []
    assert list(abandoned.read(on_damage=damages.append)) == []
    assert len(damages) == 1
    abandoned.remove()


def test_folder_whose_maker_died_at_once_is_adopted_empty(root):
    """A process may be killed between making the folder and its lock."""
    root.mkdir(parents=True)
    (root / ("ab" * 16)).mkdir()
    (abandoned,) = lock_abandoned_journals(root, None)
    assert list(abandoned.read()) == []
    abandoned.remove()
    assert list(root.iterdir()) == []


def test_folder_removed_before_it_is_opened_is_skipped(root):
    """Two processes look for folders at the same time, and one of them is late."""
    root.mkdir(parents=True)
    assert folders.try_lock_folder(root / ("ab" * 16)) is None


def test_folder_removed_before_it_is_locked_is_skipped(root, monkeypatch):
    """A lock on a file that is gone, or has been replaced, does not count."""
    path = dead(root)
    flock = fcntl.flock

    def late(fd: int, how: int) -> None:
        (path / "lock").unlink()
        flock(fd, how)

    def later(fd: int, how: int) -> None:
        late(fd, how)
        (path / "lock").touch()

    for race in (late, later):
        monkeypatch.setattr(fcntl, "flock", race)
        assert folders.try_lock_folder(path) is None


def test_folder_taken_while_it_is_made_is_made_again(root, monkeypatch):
    """Another process may lock a new folder first; then its maker makes another one."""
    claim = folders.try_lock_folder
    taken: list[int] = []

    def rival_first(path):
        nonlocal taken
        if not taken:
            taken += filter(None, [claim(path)])
        return claim(path)

    monkeypatch.setattr(folders, "try_lock_folder", rival_first)
    path, lock = folders.make_journal_folder(root)
    assert len(list(root.iterdir())) == 2
    assert path.exists()
    os.close(lock)
    os.close(taken[0])


def test_folder_that_is_always_taken_is_unavailable(root, monkeypatch):
    """Making a folder is given up after some tries."""
    monkeypatch.setattr(folders, "try_lock_folder", lambda _path: None)
    with pytest.raises(ServiceUnavailable, match="other processes lock each one"):
        folders.make_journal_folder(root)


def test_rival_lock_in_a_removed_folder_is_left_for_its_owner(root, monkeypatch):
    """Removing a folder succeeds although another process opens it in the last moment."""
    path = dead(root)
    (abandoned,) = lock_abandoned_journals(root, None)
    unlink = type(path).unlink

    def rival(target, **named):
        unlink(target, **named)
        target.touch()

    monkeypatch.setattr(type(path), "unlink", rival)
    abandoned.remove()
    assert (path / "lock").exists()


@pytest.mark.parametrize("call", ["mkdir", "open", "fsync"])
def test_root_that_cannot_be_used_is_unavailable(root, monkeypatch, call):
    """A root that cannot be made or read raises an error."""
    monkeypatch.setattr(os, call, refuse(errno.EROFS))
    with pytest.raises(ServiceUnavailable, match="no journal folder"):
        folders.make_journal_folder(root)


def test_failing_disk_makes_adoption_unavailable_and_keeps_no_lock(root, monkeypatch):
    """Folders that were locked before the failure are unlocked."""
    dead(root)
    dead(root)
    claim = folders.try_lock_folder
    calls = iter([claim, refuse(errno.EIO)])

    def second_fails(path):
        return next(calls)(path)

    with monkeypatch.context() as failing:
        failing.setattr(folders, "try_lock_folder", second_fails)
        with pytest.raises(ServiceUnavailable, match="cannot be adopted"):
            lock_abandoned_journals(root, None)
    abandoned_journals = lock_abandoned_journals(root, None)
    assert len(abandoned_journals) == 2
    for journal in abandoned_journals:
        journal.unlock()


def test_failing_disk_is_unavailable_to_the_holder_of_a_folder(root):
    """Every OSError becomes ServiceUnavailable, and the folder stays locked for another try."""
    path = dead(root, file_of([entry_of(1)]))
    (abandoned,) = lock_abandoned_journals(root, None)
    (path / "folder").mkdir()
    with pytest.raises(ServiceUnavailable, match="cannot be removed"):
        abandoned.remove()
    assert lock_abandoned_journals(root, None) == []
    for each in path.iterdir():
        each.rmdir() if each.is_dir() else each.unlink()
    path.rmdir()
    with pytest.raises(ServiceUnavailable):
        abandoned.size_bytes()
    with pytest.raises(ServiceUnavailable):
        abandoned.release(1)
    abandoned.unlock()
