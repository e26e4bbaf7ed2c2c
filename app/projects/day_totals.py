"""Reads and lowers what projects store, by day and kind; the caller commits."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from sqlalchemy import delete, func, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.ids import ProjectId
from app.projects.tables import storage_days

_SUBTRACT_SHARE: Final = text(
    """
    update storage_days set
        size_bytes = size_bytes - size_bytes * least(:items, items) / greatest(items, 1),
        items = items - least(:items, items)
    where project_id = :project_id and day = :day and kind = :kind
    """
)


@dataclass(frozen=True, slots=True)
class KindTotal:
    """The rows and bytes of one kind that a project stores."""

    project_id: ProjectId
    kind: str
    items: int
    size_bytes: int


async def sum_days(connection: AsyncConnection) -> dict[tuple[ProjectId, date], int]:
    """Return the bytes that each project stores, by day."""
    rows = await connection.execute(
        select(
            storage_days.c.project_id,
            storage_days.c.day,
            func.sum(storage_days.c.size_bytes).label("size_bytes"),
        ).group_by(storage_days.c.project_id, storage_days.c.day)
    )
    return {(ProjectId(row.project_id), row.day): int(row.size_bytes) for row in rows}


async def sum_days_of(connection: AsyncConnection, project_id: ProjectId) -> dict[date, int]:
    """Return the bytes that a project stores, by day."""
    rows = await connection.execute(
        select(storage_days.c.day, func.sum(storage_days.c.size_bytes).label("size_bytes"))
        .where(storage_days.c.project_id == project_id)
        .group_by(storage_days.c.day)
    )
    return {row.day: int(row.size_bytes) for row in rows}


async def sum_projects(
    connection: AsyncConnection, project_ids: Sequence[ProjectId]
) -> dict[ProjectId, int]:
    """Return the bytes that some projects store; those that store nothing are left out."""
    if not project_ids:
        return {}
    rows = await connection.execute(
        select(storage_days.c.project_id, func.sum(storage_days.c.size_bytes).label("size_bytes"))
        .where(storage_days.c.project_id.in_(project_ids))
        .group_by(storage_days.c.project_id)
    )
    return {ProjectId(row.project_id): int(row.size_bytes) for row in rows}


async def sum_kinds(
    connection: AsyncConnection, *, project_id: ProjectId | None = None
) -> list[KindTotal]:
    """Return what projects store by kind: of one project, or of all."""
    query = select(
        storage_days.c.project_id,
        storage_days.c.kind,
        func.sum(storage_days.c["items"]).label("items"),
        func.sum(storage_days.c.size_bytes).label("size_bytes"),
    ).group_by(storage_days.c.project_id, storage_days.c.kind)
    if project_id is not None:
        query = query.where(storage_days.c.project_id == project_id)
    return [
        KindTotal(ProjectId(row.project_id), row.kind, int(row.items), int(row.size_bytes))
        for row in await connection.execute(query)
    ]


async def sum_day(connection: AsyncConnection, project_id: ProjectId, day: date) -> int:
    """Return the bytes that a project stores of a day."""
    size_bytes = await connection.scalar(
        select(func.sum(storage_days.c.size_bytes)).where(
            storage_days.c.project_id == project_id, storage_days.c.day == day
        )
    )
    return int(size_bytes or 0)


async def end_day(connection: AsyncConnection, project_id: ProjectId, day: date) -> None:
    """Delete the totals of a day of which nothing is left."""
    await connection.execute(
        delete(storage_days).where(
            storage_days.c.project_id == project_id, storage_days.c.day == day
        )
    )


async def subtract_items(
    connection: AsyncConnection, project_id: ProjectId, day: date, items: Mapping[str, int]
) -> None:
    """Subtract items of a day by kind, each with the bytes that an item of its kind has on average.

    Used where sizes of single items are not known any more. The totals stay right on the whole, and
    are zero when the last item goes.
    """
    for kind, quantity in sorted(items.items()):
        parameters = {"project_id": project_id, "day": day, "kind": kind, "items": quantity}
        await connection.execute(_SUBTRACT_SHARE, parameters)
