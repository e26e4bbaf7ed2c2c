"""Counts uploads by hour, for the limits of a project and for its audit log."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.ids import ProjectId
from app.debug_files.model import ApiTokenId
from app.debug_files.tables import debug_files, upload_counts

_DAY: Final = timedelta(days=1)
_KEPT_FOR: Final = timedelta(days=2)
_BY_HAND: Final = 0


@dataclass(frozen=True, slots=True)
class ProjectUsage:
    """The number of a project's debug files, and their bytes."""

    files: int
    stored_bytes: int
    uploaded_today: int
    """Files that were uploaded within the last 24 hours, deleted ones included."""


@dataclass(frozen=True, slots=True)
class UploadedHour:
    """The files that a token uploaded to a project within an hour."""

    project_id: ProjectId
    token_id: ApiTokenId | None
    """The token; None for people."""
    hour: datetime
    files: int
    size_bytes: int


async def count_upload(
    connection: AsyncConnection,
    project_id: ProjectId,
    token_id: ApiTokenId | None,
    *,
    size_bytes: int,
) -> None:
    """Count a file that was uploaded, in the transaction that adds it."""
    statement = insert(upload_counts).values(
        project_id=project_id,
        token_id=token_id or _BY_HAND,
        hour=func.date_trunc("hour", func.now()),
        files=1,
        size_bytes=size_bytes,
    )
    await connection.execute(
        statement.on_conflict_do_update(
            index_elements=["project_id", "token_id", "hour"],
            set_={
                "files": upload_counts.c.files + 1,
                "size_bytes": upload_counts.c.size_bytes + statement.excluded.size_bytes,
            },
        )
    )


async def read_usage(connection: AsyncConnection, project_id: ProjectId) -> ProjectUsage:
    """Read what a project has, to compare it with its limits."""
    stored = (
        await connection.execute(
            select(func.count(), func.coalesce(func.sum(debug_files.c.stored_bytes), 0)).where(
                debug_files.c.project_id == project_id
            )
        )
    ).one()
    uploaded = await connection.scalar(
        select(func.coalesce(func.sum(upload_counts.c.files), 0)).where(
            upload_counts.c.project_id == project_id, upload_counts.c.hour > func.now() - _DAY
        )
    )
    return ProjectUsage(int(stored[0]), int(stored[1]), int(uploaded or 0))


async def take_ended_hours(connection: AsyncConnection, *, limit: int = 200) -> list[UploadedHour]:
    """Take the counts of hours that have ended, each once, and delete old ones."""
    columns = upload_counts.c
    await connection.execute(
        delete(upload_counts).where(columns.is_logged, columns.hour < func.now() - _KEPT_FOR)
    )
    ended = (
        select(columns.project_id, columns.token_id, columns.hour)
        .where(columns.is_logged.is_(False), columns.hour < func.date_trunc("hour", func.now()))
        .order_by(columns.hour)
        .limit(limit)
        .with_for_update(skip_locked=True)
        .subquery()
    )
    rows = await connection.execute(
        update(upload_counts)
        .where(
            columns.project_id == ended.c.project_id,
            columns.token_id == ended.c.token_id,
            columns.hour == ended.c.hour,
        )
        .values(is_logged=True)
        .returning(upload_counts)
    )
    return [
        UploadedHour(
            ProjectId(row.project_id),
            ApiTokenId(row.token_id) if row.token_id else None,
            row.hour,
            row.files,
            row.size_bytes,
        )
        for row in rows
    ]
