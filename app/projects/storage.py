"""Totals of what projects store, by day and kind, which digest and deletions keep up to date.

    new rows, pictures ──────────► StorageChanges ─► apply_storage_changes ─┐
    deleted, changed, moved rows ─► triggers (migration 0032) ──────────────┴─► storage_days

The bytes of a row in Postgres are estimated: what varies much is counted, and the rest is a
constant for each table, estimated from its columns and indexes. Whoever drops the partition of a
day deletes the totals of that day.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Final, NamedTuple

from sqlalchemy import delete, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.ids import ProjectId
from app.db.engine import get_driver
from app.projects.tables import storage_days


class StorageKind(StrEnum):
    """A kind of stored data."""

    VIDEO = "video"
    RECORDINGS = "recordings"
    EVENTS = "events"
    SPANS = "spans"
    LOGS = "logs"
    ATTACHMENTS = "attachments"
    PICTURES = "pictures"
    CLIPS = "clips"
    """Triggers alone keep these totals (migration 0052)."""


SEGMENT_BYTES: Final = 400
EVENT_BYTES: Final = 900
BLOCK_BYTES: Final = 500
LOG_BYTES: Final = 450
ATTACHMENT_BYTES: Final = 350
"""The bytes of a row of each table, apart from the bytes that are counted with it.

The triggers have the same numbers."""

_APPLY: Final = """
    insert into storage_days as s (project_id, day, kind, items, size_bytes)
    select * from unnest($1::bigint[], $2::date[], $3::text[], $4::bigint[], $5::bigint[])
    on conflict (project_id, day, kind) do update
        set items = s.items + excluded.items, size_bytes = s.size_bytes + excluded.size_bytes
    """


class StorageKey(NamedTuple):
    """One total: of a project, a day and a kind."""

    project_id: ProjectId
    day: date
    kind: StorageKind


class StorageAmount(NamedTuple):
    """A number of things and their bytes. Of spans each counts, and not their blocks."""

    items: int
    size_bytes: int


class LimitedBytes(NamedTuple):
    """The bytes of a project that its limit is about, without what their rows take."""

    video: int
    files: int


@dataclass(frozen=True, slots=True)
class StorageDay:
    """A total as it is stored."""

    key: StorageKey
    amount: StorageAmount


class StorageChanges:
    """The changes of totals that a transaction collects."""

    def __init__(self) -> None:
        self._amounts: dict[StorageKey, StorageAmount] = {}

    def add(
        self,
        project_id: ProjectId,
        day: date,
        kind: StorageKind,
        *,
        size_bytes: int,
        items: int = 1,
    ) -> None:
        """Add something; negative numbers subtract."""
        key = StorageKey(project_id, day, kind)
        before = self._amounts.get(key, StorageAmount(0, 0))
        self._amounts[key] = StorageAmount(before.items + items, before.size_bytes + size_bytes)

    def add_all(self, other: "StorageChanges") -> None:
        """Add all changes of another one."""
        for key, amount in other:
            self.add(*key, size_bytes=amount.size_bytes, items=amount.items)

    def __iter__(self) -> Iterator[tuple[StorageKey, StorageAmount]]:
        """Iterate over the changes in the order of their keys."""
        return iter(sorted(self._amounts.items()))


async def apply_storage_changes(connection: AsyncConnection, changes: StorageChanges) -> None:
    """Change the totals. Do it late in a transaction: others wait for the rows of today."""
    # In one order, so that two processes do not wait for one another.
    ordered = [
        (*key, *amount) for key, amount in changes if amount.items != 0 or amount.size_bytes != 0
    ]
    if ordered:
        driver = await get_driver(connection)
        await driver.execute(_APPLY, *zip(*ordered, strict=True))


async def sum_limited_bytes(
    connection: AsyncConnection, project_ids: Sequence[ProjectId]
) -> dict[ProjectId, LimitedBytes]:
    """Add up what limits are about: the videos and files of some projects."""
    rows = await connection.execute(
        select(
            storage_days.c.project_id,
            storage_days.c.kind,
            func.sum(storage_days.c["items"]).label("items"),
            func.sum(storage_days.c.size_bytes).label("size_bytes"),
        )
        .where(
            storage_days.c.project_id.in_(project_ids),
            storage_days.c.kind.in_([StorageKind.VIDEO, StorageKind.ATTACHMENTS]),
        )
        .group_by(storage_days.c.project_id, storage_days.c.kind)
    )
    sums = {project_id: LimitedBytes(0, 0) for project_id in project_ids}
    for row in rows:
        project_id, size_bytes = ProjectId(row.project_id), int(row.size_bytes)
        if row.kind == StorageKind.VIDEO:
            sums[project_id] = sums[project_id]._replace(video=size_bytes)
        else:
            files = size_bytes - ATTACHMENT_BYTES * int(row.items)
            sums[project_id] = sums[project_id]._replace(files=files)
    return sums


async def sum_clip_bytes(connection: AsyncConnection, project_id: ProjectId) -> int:
    """Add up what the clips of a project take."""
    stored = await connection.scalar(
        select(func.sum(storage_days.c.size_bytes)).where(
            storage_days.c.project_id == project_id, storage_days.c.kind == StorageKind.CLIPS
        )
    )
    return int(stored or 0)


async def read_storage_days(
    connection: AsyncConnection, project_ids: Sequence[ProjectId], *, since: date | None = None
) -> list[StorageDay]:
    """Read the totals of some projects in the order of project, day and kind.

    Args:
        connection: The connection to read with.
        project_ids: The projects.
        since: The first day; None for all. What a release before days stored has `OLD_DAY` until it
            is moved.
    """
    query = select(storage_days).where(storage_days.c.project_id.in_(project_ids))
    if since is not None:
        query = query.where(storage_days.c.day >= since)
    ordered = query.order_by(storage_days.c.project_id, storage_days.c.day, storage_days.c.kind)
    return [
        StorageDay(
            StorageKey(ProjectId(row.project_id), row.day, StorageKind(row.kind)),
            StorageAmount(row.items, row.size_bytes),
        )
        for row in await connection.execute(ordered)
    ]


async def delete_storage_days(
    connection: AsyncConnection, project_ids: Sequence[ProjectId], day: date
) -> None:
    """Delete the totals of a day whose partitions are dropped, which no trigger sees."""
    await connection.execute(
        delete(storage_days).where(
            storage_days.c.project_id.in_(project_ids), storage_days.c.day == day
        )
    )
