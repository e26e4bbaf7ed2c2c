"""Backups are named by the time, and sort by age whatever the clock does."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from app.backup.folder import BackupFolder
from app.backup.make import _choose_name
from app.core import clock


def test_names_sort_by_age(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Two backups in one second, and those after a clock was set back, come later in the list."""
    folder, made = BackupFolder(tmp_path), []
    for hour in (12, 12, 12, 11, 10, 13):
        moment = datetime(2026, 11, 30, hour, tzinfo=UTC)
        monkeypatch.setattr(clock, "now", lambda moment=moment: moment)
        name = _choose_name(folder)
        (tmp_path / name).mkdir()
        (tmp_path / name / "manifest.json").touch()
        made.append(name)
    assert folder.list_names() == made
    assert made[0] == "2026-11-30T120000Z"
    assert made[1] == "2026-11-30T120000Z-001"
    assert made[-1] == "2026-11-30T130000Z"
