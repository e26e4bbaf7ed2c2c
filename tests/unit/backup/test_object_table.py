"""A table of objects lies in a file, and leaves nothing behind."""

from pathlib import Path

import pytest

from app.backup.model import BackupUnfinished, CopiedObject
from app.backup.object_table import ObjectTable


def make_object(number: int) -> CopiedObject:
    """Make an object whose key has a number."""
    return CopiedObject(f"2026-11-30/1/{number:08}", number, f"v{number}", f"{number:064x}")


def test_objects_are_found_by_key_and_come_in_order(tmp_path: Path):
    """What is added later under the same key replaces what was there."""
    with ObjectTable(tmp_path) as table:
        table.add_all(make_object(number) for number in (3, 1, 2))
        table.add(make_object(2))
        newer = CopiedObject(make_object(1).key, 9, "other", "0" * 64)
        table.add(newer)
        assert list(table) == [newer, make_object(2), make_object(3)]
        assert table.find(newer.key) == newer
        assert table.find("2026") is None
        assert newer.key in table
        assert "2026" not in table
        assert (len(table), table.add_up_bytes()) == (3, 14)
    assert list(tmp_path.iterdir()) == []


def test_an_empty_table_adds_up_to_nothing(tmp_path: Path):
    """A backup of an empty store has such a list."""
    with ObjectTable(tmp_path) as table:
        assert (list(table), len(table), table.add_up_bytes()) == ([], 0, 0)


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path):
    """The error tells where the table was to be."""
    with pytest.raises(BackupUnfinished, match="gone"):
        ObjectTable(tmp_path / "gone")


def test_a_killed_process_leaves_no_file(tmp_path: Path):
    """The file has no name while it is used, also when it is larger than what memory keeps."""
    with ObjectTable(tmp_path) as table:
        assert list(tmp_path.iterdir()) == []
        table.add_all(make_object(number) for number in range(300_000))
        assert len(table) == 300_000
        assert table.find(make_object(7).key) == make_object(7)


def test_a_key_that_is_no_text_is_named(tmp_path: Path):
    """A file in a local store may have any name."""
    with ObjectTable(tmp_path) as table, pytest.raises(BackupUnfinished, match="no text"):
        table.add(CopiedObject("2026-11-30/1/\udcff", 1, "", ""))
