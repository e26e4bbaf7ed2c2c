"""Measuring the disk space of the journals of all processes."""

from pathlib import Path

import pytest

from app.journal import disk


def test_each_journal_has_its_size(tmp_path: Path):
    """Sizes are by id; files beside the folders do not count, and a missing root has none."""
    for name, size in (("one", 10), ("two", 32)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a.journal").write_bytes(bytes(size))
        (tmp_path / name / "b.journal").write_bytes(b"x")
    (tmp_path / "file").write_bytes(b"x")
    assert disk.measure_journals(tmp_path) == {"one": 11, "two": 33}
    assert disk.measure_journals(tmp_path / "missing") == {}


@pytest.mark.parametrize(
    ("journal_bytes", "room_bytes", "part"),
    [(0, 100, 0.0), (25, 75, 0.25), (80, 20, 0.8), (0, 0, 1.0), (5, -1, 1.0)],
)
def test_the_room_for_journals_is_used_in_part(journal_bytes, room_bytes, part):
    """When no room is left, all of it is used, whatever took it."""
    assert disk.used_share(journal_bytes, room_bytes) == part
