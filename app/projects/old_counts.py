"""Deletes counts of outcomes, and of what rules removed before it was stored, by age."""

from collections.abc import Mapping
from datetime import date
from typing import Final

from sqlalchemy import Table
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.ids import ProjectId
from app.db import counted_days
from app.db.counted_days import CountedDays
from app.projects.tables import outcomes, removal_counts

_TABLES: Final[tuple[Table, ...]] = (outcomes, removal_counts)


async def count_old_counts(
    connection: AsyncConnection, last_days: Mapping[ProjectId, date]
) -> dict[ProjectId, CountedDays]:
    """Count the rows with outcomes and removals up to a day, for each of some projects."""
    found: dict[ProjectId, CountedDays] = {}
    for table in _TABLES:
        rows = await counted_days.count_old_rows(connection, table, last_days)
        for project_id, days in rows.items():
            found[project_id] = days.merge(found.get(project_id))
    return found


async def delete_old_counts(
    connection: AsyncConnection, project_id: ProjectId, *, last_day: date, limit: int
) -> int:
    """Delete some outcomes and removals up to a day; returns how many rows there were.

    Args:
        connection: The transaction of the caller.
        project_id: The project.
        last_day: The last day that goes.
        limit: The most rows that are deleted; if fewer are, none is left.
    """
    deleted = 0
    for table in _TABLES:
        deleted += await counted_days.delete_old_rows(
            connection, table, project_id, last_day=last_day, limit=limit - deleted
        )
    return deleted
