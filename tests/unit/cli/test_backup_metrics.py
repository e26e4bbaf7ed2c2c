"""A backup leaves its metrics in a file for Prometheus' node exporter."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from app.backup.make import MadeBackup
from app.backup.model import BackupFile, Manifest
from app.cli.backup_metrics import write_backup_metrics
from app.core import clock
from app.core.errors import ServiceUnavailable

AT = datetime(2026, 11, 30, 2, 0, tzinfo=UTC)
DOCUMENT = Path(__file__).resolve().parents[3] / "docs" / "metrics.md"
MADE = MadeBackup(
    Manifest(
        name="2026-11-30T020000Z",
        made_at=AT,
        playhead="1.4.0",
        revision="0055",
        postgres=18,
        tools=18,
        storage="s3",
        files=(BackupFile("database.dump", 5_000, "0" * 64), BackupFile("journal/a", 7, "0" * 64)),
        objects=300,
        object_bytes=24_000_000,
        missing=("2026-11-29/1/a", "2026-11-29/1/b"),
    ),
    copied=20,
)


def test_the_file_tells_of_the_newest_backup(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """It replaces that of the backup before, whole, and each metric is documented."""
    monkeypatch.setattr(clock, "now", lambda: AT)
    path = tmp_path / "playhead.prom"
    path.write_text("of the backup before")
    write_backup_metrics(path, MADE, took_s=12.5)
    told = {
        sample.name.removeprefix("playhead_backup_"): sample.value
        for family in text_string_to_metric_families(path.read_text())
        for sample in family.samples
    }
    assert told == {
        "finished_timestamp_seconds": AT.timestamp(),
        "duration_seconds": 12.5,
        "database_bytes": 5_000,
        "objects": 300,
        "object_bytes": 24_000_000,
        "copied_objects": 20,
        "missing_objects": 2,
    }
    documented = DOCUMENT.read_text(encoding="utf-8")
    assert [name for name in told if f"- `playhead_backup_{name}`: " not in documented] == []
    assert [each.name for each in tmp_path.iterdir()] == ["playhead.prom"]


def test_a_file_that_cannot_be_written_does_not_hide_the_backup(tmp_path: Path):
    """The message says that the backup was made."""
    with pytest.raises(ServiceUnavailable, match=r"the backup was made, .*gone/a\.prom: No such"):
        write_backup_metrics(tmp_path / "gone" / "a.prom", MADE, took_s=1)
