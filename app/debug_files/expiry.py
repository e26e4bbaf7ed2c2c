"""Finds debug files that nothing needs any more, for the rule that deletes them."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import literal, or_, select, tuple_, update
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.ids import ProjectId
from app.db.types import Hex32
from app.debug_files.model import DebugFileId
from app.debug_files.tables import debug_files


@dataclass(frozen=True, slots=True)
class UnusedDebugFile:
    """A debug file that was uploaded long ago, and that no event has used for a while."""

    project_id: ProjectId
    file_id: DebugFileId
    releases: tuple[str, ...]
    """The release that it was uploaded for, and that of an event that used it, if known."""
    needed_day: date | None
    """The last day on which an event of its release was found to be kept, if anybody looked."""


async def list_unused_files(
    connection: AsyncConnection,
    *,
    uploaded_before: datetime,
    used_before: date,
    after: UnusedDebugFile | None = None,
    limit: int,
) -> list[UnusedDebugFile]:
    """Find old files that no event used since a day, in the order of project and file.

    Args:
        connection: The connection to read with.
        uploaded_before: Files that were uploaded later are left out.
        used_before: Files that an event used on this day or later are left out.
        after: The last one that was found before; None to begin.
        limit: The most files that are returned.
    """
    columns = debug_files.c
    query = (
        select(
            columns.project_id,
            columns.file_id,
            columns.release,
            columns.used_release,
            columns.needed_day,
        )
        .where(
            columns.uploaded_at < uploaded_before,
            or_(columns.last_used_day.is_(None), columns.last_used_day < used_before),
        )
        .order_by(columns.project_id, columns.file_id)
        .limit(limit)
    )
    if after is not None:
        key = tuple_(columns.project_id, columns.file_id)
        query = query.where(key > tuple_(literal(after.project_id), literal(after.file_id, Hex32)))
    return [
        UnusedDebugFile(
            ProjectId(row.project_id),
            DebugFileId(row.file_id),
            tuple(sorted({each for each in (row.release, row.used_release) if each})),
            row.needed_day,
        )
        for row in await connection.execute(query)
    ]


async def note_need(
    connection: AsyncConnection,
    project_id: ProjectId,
    file_ids: Collection[DebugFileId],
    *,
    day: date,
) -> None:
    """Note that an event of the release of some files was still kept on a day."""
    await connection.execute(
        update(debug_files)
        .where(debug_files.c.project_id == project_id, debug_files.c.file_id.in_(sorted(file_ids)))
        .values(needed_day=day)
    )
