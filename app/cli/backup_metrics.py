"""Writes what Prometheus' node exporter tells of backups: its textfile collector reads the file.

A backup is a command that ends, so nobody could ask it for metrics afterwards.
"""

from pathlib import Path

from prometheus_client import CollectorRegistry, Gauge, write_to_textfile

from app.backup.folder import DUMP
from app.backup.make import MadeBackup
from app.core import clock
from app.core.errors import ServiceUnavailable


def write_backup_metrics(path: Path, made: MadeBackup, *, took_s: float) -> None:
    """Write the metrics of a backup that was made, in place of those of the one before.

    Args:
        path: The file, whose name ends in `.prom`.
        made: The backup.
        took_s: The time that it took.

    Raises:
        ServiceUnavailable: The file cannot be written; the backup is whole all the same.
    """
    manifest = made.manifest
    dump_bytes = sum(each.size_bytes for each in manifest.files if each.name == DUMP)
    missing = len(manifest.missing)
    registry = CollectorRegistry()
    for name, description, value in (
        ("finished_timestamp_seconds", "When it was finished.", clock.now().timestamp()),
        ("duration_seconds", "Time that it took.", took_s),
        ("database_bytes", "Size of its dump of the database.", dump_bytes),
        ("objects", "Objects that it has.", manifest.objects),
        ("object_bytes", "Size of its objects, shared ones included.", manifest.object_bytes),
        ("copied_objects", "Objects that it copied; the others were there.", made.copied),
        ("missing_objects", "Objects that rows name and the store had lost.", missing),
    ):
        Gauge(f"playhead_backup_{name}", description, registry=registry).set(value)
    try:
        write_to_textfile(str(path), registry)
    except OSError as error:
        raise ServiceUnavailable(
            f"the backup was made, and its metrics cannot be written to {path}: {error.strerror}"
        ) from error
