"""Reads the report on storage for admins of the server: contents, growth, and the full day."""

import asyncio
import shutil
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Final

from app.accounts.model import Person
from app.core.ids import ProjectId
from app.db.engine import Database
from app.db.partitions import days
from app.debug_files import queries as debug_files
from app.projects import day_totals, queries as projects, retention_rules
from app.projects.model import Project
from app.projects.retention_rules import ProjectRules, ServerRules
from app.replays.keeping import holds, pins
from app.replays.keeping.model import ReplayHold, ReplayPin
from app.retention import inventory, receipts
from app.retention.preview import (
    ProjectForecast,
    find_next_end,
    forecast_full_day,
    measure_growth,
)
from app.retention.receipts import DayReceipt, RunState
from app.retention.rules.change_rules import SHOWN_KEPT, SHOWN_RECEIPTS, require_server_admin

DEBUG_FILES_KIND: Final = "debug_files"
"""The kind of debug files, whose bytes are summed from their rows and belong to no day."""


@dataclass(frozen=True, slots=True)
class DiskSpace:
    """The file system of the data folder."""

    total_bytes: int
    free_bytes: int


@dataclass(frozen=True, slots=True)
class ProjectStorage:
    """The bytes of a project, its growth, and the next day that age deletes."""

    project: Project
    rules: ProjectRules
    size_bytes: int
    """All bytes, including debug files."""
    growth_bytes: int
    """Bytes a day, as the mean of the last whole days."""
    oldest_day: date | None
    goes_on: date | None
    """The day on which age deletes the oldest day; None if it never does."""


@dataclass(frozen=True, slots=True)
class StorageReport:
    """The contents of the page of the server's storage."""

    today: date
    disk: DiskSpace | None
    """None if objects are in a bucket, whose free space is unknown."""
    kinds: Mapping[str, int]
    """Bytes by kind, over all projects."""
    projects: Sequence[ProjectStorage]
    full_on: date | None
    """The day on which the disk is full; None if it is not within three years."""
    own_rules: ServerRules
    """The rules that admins of the server chose, without the settings."""
    longest_days: int | None
    """The most days that the settings of the server allow."""
    run: RunState
    receipts: Sequence[DayReceipt]
    pins: Sequence[ReplayPin]
    holds: Sequence[ReplayHold]
    pinned: int = 0
    held: int = 0
    names: Mapping[ProjectId, str] = field(default_factory=dict)

    @property
    def size_bytes(self) -> int:
        """All bytes that projects store."""
        return sum(self.kinds.values())

    @property
    def growth_bytes(self) -> int:
        """Bytes that come each day."""
        return sum(project.growth_bytes for project in self.projects)


async def read_storage_report(
    database: Database, person: Person, *, data_dir: Path | None, longest_days: int | None
) -> StorageReport:
    """Read the contents of the server's storage, its growth, and the day on which it is full.

    Args:
        database: The database.
        person: The person who asks.
        data_dir: The folder with objects and Postgres; None if objects are in a bucket.
        longest_days: The most days that the settings of the server allow.

    Raises:
        PermissionDenied: The person is not an admin of the server.
    """
    require_server_admin(person)
    disk = await asyncio.to_thread(look_at_disk, data_dir) if data_dir else None
    async with database.reading() as connection:
        today = await days.read_today(connection)
        rule_set = await inventory.read_rule_set(connection, longest_days=longest_days)
        listed = await projects.list_all_projects(connection)
        by_project: defaultdict[ProjectId, dict[date, int]] = defaultdict(dict)
        for (project_id, day), size_bytes in (await day_totals.sum_days(connection)).items():
            by_project[project_id][day] = size_bytes
        kinds: Counter[str] = Counter()
        for total in await day_totals.sum_kinds(connection):
            kinds[total.kind] += total.size_bytes
        project_ids = [project.id for project in listed]
        debug_bytes: Counter[ProjectId] = Counter()
        for debug_total in await debug_files.sum_debug_files(connection, project_ids):
            debug_bytes[debug_total.project_id] += debug_total.stored_bytes
        kinds[DEBUG_FILES_KIND] += debug_bytes.total()
        forecasts = {
            project.id: ProjectForecast(
                rule_set.projects.get(project.id, ProjectRules()),
                by_project[project.id],
                measure_growth(by_project[project.id], today),
            )
            for project in listed
        }
        full_on = (
            await asyncio.to_thread(
                forecast_full_day,
                forecasts,
                rule_set.server,
                free_bytes=disk.free_bytes,
                today=today,
            )
            if disk
            else None
        )
        return StorageReport(
            today=today,
            disk=disk,
            kinds=kinds,
            projects=tuple(
                _describe_project(
                    project,
                    forecasts[project.id],
                    rule_set.server,
                    debug_bytes=debug_bytes[project.id],
                )
                for project in listed
            ),
            full_on=full_on,
            own_rules=await retention_rules.read_server_rules(connection),
            longest_days=longest_days,
            run=await receipts.read_run_state(connection),
            receipts=await receipts.list_receipts(connection, project_ids, limit=SHOWN_RECEIPTS),
            pins=await pins.list_pins(connection, project_ids, limit=SHOWN_KEPT),
            holds=await holds.list_holds(connection, project_ids, limit=SHOWN_KEPT),
            pinned=sum((await pins.count_pins(connection, project_ids)).values()),
            held=sum((await holds.count_holds(connection, project_ids)).values()),
            names={project.id: project.name for project in listed},
        )


async def foretell_full_day(
    database: Database, *, data_dir: Path, longest_days: int | None
) -> tuple[date, date | None]:
    """Estimate the day on which the disk of the data folder is full, for alerts and metrics.

    Returns:
        Today by the clock of Postgres, and the day; None if it is not within three years.
    """
    disk = await asyncio.to_thread(look_at_disk, data_dir)
    async with database.reading() as connection:
        today = await days.read_today(connection)
        rule_set = await inventory.read_rule_set(connection, longest_days=longest_days)
        by_project: defaultdict[ProjectId, dict[date, int]] = defaultdict(dict)
        for (project_id, day), size_bytes in (await day_totals.sum_days(connection)).items():
            by_project[project_id][day] = size_bytes
    forecasts = {
        project_id: ProjectForecast(
            rule_set.projects.get(project_id, ProjectRules()),
            day_bytes,
            measure_growth(day_bytes, today),
        )
        for project_id, day_bytes in by_project.items()
    }
    full_on = await asyncio.to_thread(
        forecast_full_day, forecasts, rule_set.server, free_bytes=disk.free_bytes, today=today
    )
    return today, full_on


def _describe_project(
    project: Project, forecast: ProjectForecast, server: ServerRules, *, debug_bytes: int
) -> ProjectStorage:
    next_end = find_next_end(forecast.rules, server, list(forecast.day_bytes))
    return ProjectStorage(
        project,
        forecast.rules,
        sum(forecast.day_bytes.values()) + debug_bytes,
        forecast.growth_bytes,
        oldest_day=min(forecast.day_bytes, default=None),
        goes_on=next_end[1] if next_end else None,
    )


def look_at_disk(data_dir: Path) -> DiskSpace:
    """Return the total and free bytes of the disk of a folder; this may block."""
    usage = shutil.disk_usage(data_dir)
    return DiskSpace(usage.total, usage.free)
