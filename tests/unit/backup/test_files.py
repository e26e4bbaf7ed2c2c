"""Files of backups are whole or absent, and a full disk is named in words."""

import errno
import hashlib
import os
from pathlib import Path

import pytest

from app.backup import files
from app.backup.folder import BackupFolder
from app.backup.model import BackupRefused, BackupUnfinished, CopiedObject, DamagedBackup


def test_a_file_appears_when_it_is_whole(tmp_path: Path):
    """Nothing has the name of a file before `finish`, and nothing is left of one given up."""
    with files.FileWriter(tmp_path) as writer:
        writer.write(b"one ")
        writer.write(memoryview(b"two"))
        assert not (tmp_path / "file").exists()
        writer.finish(tmp_path / "file")
    with files.FileWriter(tmp_path) as writer:
        writer.write(b"given up")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
    assert (tmp_path / "file").stat().st_mode & 0o777 == 0o600
    files.check_file(tmp_path / "file", 7, writer_sha256(b"one two"))


def writer_sha256(data: bytes) -> str:
    """Return the SHA-256 of some bytes."""
    return hashlib.sha256(data).hexdigest()


def test_a_full_disk_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """The message says what to do, and the half-written file is gone."""

    def refuse(*_arguments: object) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "write", refuse)
    with (
        pytest.raises(BackupUnfinished, match=r"disk is full. Free some space, and run the same"),
        files.FileWriter(tmp_path) as writer,
    ):
        writer.write(b"x")
    assert list(tmp_path.iterdir()) == []


def test_damage_is_told_apart(tmp_path: Path):
    """A missing, a cut and a changed file have messages of their own."""
    path = tmp_path / "file"
    with pytest.raises(DamagedBackup, match="file is missing"):
        files.check_file(path, 3, "")
    path.write_bytes(b"abc")
    with pytest.raises(DamagedBackup, match="has 3 bytes instead of 4 bytes"):
        files.check_file(path, 4, "")
    with pytest.raises(DamagedBackup, match="other bytes than were written"):
        files.check_file(path, 3, writer_sha256(b"abd"))


def test_a_folder_of_something_else_is_left_alone(tmp_path: Path):
    """Backups are not made among files that could be anything."""
    (tmp_path / "thesis.tex").write_text("x")
    with pytest.raises(BackupRefused, match=r"other files, such as thesis\.tex"):
        BackupFolder(tmp_path).make()


def test_two_commands_do_not_share_a_folder(tmp_path: Path):
    """A second command is refused while a backup is made; readers share the folder."""
    folder = BackupFolder(tmp_path)
    with folder.hold(), pytest.raises(BackupRefused, match="in use by another command"):
        folder.hold(is_shared=True).__enter__()
    with folder.hold(is_shared=True), BackupFolder(tmp_path).hold(is_shared=True):
        pass


def test_notes_of_copies_survive_a_torn_line(tmp_path: Path):
    """A backup that was killed while it noted a copy has lost that note only."""
    folder = BackupFolder(tmp_path)
    folder.make()
    copied = [CopiedObject(f"a/{number}", number, "v", "0" * 64) for number in range(3)]
    with folder.noting_copies() as notes:
        notes.add(copied[0])
        notes.add(copied[1])
    with (tmp_path / "copied.jsonl").open("ab") as file:
        file.write(b'["a/2",2,')
    assert list(folder.read_copied()) == copied[:2]
    with folder.noting_copies() as notes:
        notes.add(copied[2])
    assert list(folder.read_copied()) == copied


def test_an_unknown_backup_names_those_that_are_there(tmp_path: Path):
    """The message has the names to choose from."""
    folder = BackupFolder(tmp_path)
    with pytest.raises(BackupRefused, match="has no finished backup"):
        folder.find_name(None)
    for name in ("2026-11-29T120000Z", "2026-11-30T120000Z"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "manifest.json").write_text("{}")
    assert folder.find_name(None) == "2026-11-30T120000Z"
    with pytest.raises(BackupRefused, match="2026-11-29T120000Z, 2026-11-30T120000Z"):
        folder.find_name("yesterday")
