"""The list of what was verified lies where there is room for it."""

import shutil
import tempfile
from pathlib import Path
from typing import Final, NamedTuple

import pytest

from app.backup import verify
from app.backup.model import BackupUnfinished, CopiedObject
from app.backup.object_table import ObjectTable
from app.core.units import format_bytes

OBJECTS: Final = 1_000


class DiskUsage(NamedTuple):
    """The room on a disk."""

    free: int


class Disks:
    """Two folders on disks with as much room as a test says."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.backups, self.temporary = folder / "backups", folder / "temporary"
        self.backups.mkdir()
        self.temporary.mkdir()
        self.free_bytes: dict[Path, int] = {}
        monkeypatch.setattr(tempfile, "gettempdir", lambda: str(self.temporary))
        monkeypatch.setattr(
            shutil, "disk_usage", lambda path: DiskUsage(self.free_bytes.get(path, 1_000_000))
        )

    def open_table(self) -> ObjectTable:
        """Open the table for a backup."""
        return verify._open_table(self.backups, OBJECTS)


@pytest.fixture
def disks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Disks:
    """Two folders with enough room."""
    return Disks(tmp_path, monkeypatch)


def test_it_lies_beside_the_backups_and_leaves_nothing(disks: Disks):
    """There is room for backups, and memory may hold the folder for temporary files."""
    disks.temporary.rmdir()
    with disks.open_table() as table:
        table.add(CopiedObject("a", 1, "v", "0" * 64))
        assert list(disks.backups.iterdir()) == []


def test_a_full_disk_of_backups_is_left_alone(disks: Disks):
    """The other folder is used, of which nothing but the table is needed."""
    disks.free_bytes[disks.backups] = 1_000
    with disks.open_table() as table:
        assert table._folder == disks.temporary


def test_a_disk_of_backups_that_cannot_be_written_is_left_alone(disks: Disks):
    """A disk that is mounted read-only refuses the file, as a folder that is gone does."""
    disks.backups.rmdir()
    with disks.open_table() as table:
        assert table._folder == disks.temporary


def test_the_error_has_the_reason_of_each_folder(disks: Disks):
    """Whoever reads it knows what to mend, or to set TMPDIR."""
    disks.free_bytes[disks.backups] = 1_000
    disks.temporary.rmdir()
    with pytest.raises(BackupUnfinished, match="Set TMPDIR") as raised:
        disks.open_table()
    sizes = f"{format_bytes(1_000)} free, {format_bytes(250 * OBJECTS)} are needed"
    assert f"{disks.backups} has {sizes}" in str(raised.value)
    assert str(disks.temporary) in str(raised.value)
