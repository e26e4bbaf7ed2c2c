"""Counts by project and day that end: what is old, and its deletion; the caller commits."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy import Table, text
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.ids import ProjectId


@dataclass(frozen=True, slots=True)
class CountedDays:
    """Rows with counts of a project, up to a day."""

    first_day: date
    last_day: date
    rows: int

    def leave_out(self, day: date, up_to_day: "CountedDays | None") -> "CountedDays":
        """Return the counts of later days than one.

        Args:
            day: The last day that is left out.
            up_to_day: The counts up to that day; None if there are none.
        """
        if up_to_day is None:
            return self
        return CountedDays(day + timedelta(days=1), self.last_day, self.rows - up_to_day.rows)

    def merge(self, other: "CountedDays | None") -> "CountedDays":
        """Return both together."""
        if other is None:
            return self
        return CountedDays(
            min(self.first_day, other.first_day),
            max(self.last_day, other.last_day),
            self.rows + other.rows,
        )


async def count_old_rows(
    connection: AsyncConnection, table: Table, last_days: Mapping[ProjectId, date]
) -> dict[ProjectId, CountedDays]:
    """Count the rows of a table up to a day, for each of some projects.

    Args:
        connection: The connection to read with.
        table: A table whose key begins with `project_id` and `day`, or that has such an index.
        last_days: The last day that is counted, by project.

    Returns:
        The counts by project; projects without such rows are left out.
    """
    if not last_days:
        return {}
    # For each project by itself, so that the index leads to what is old.
    statement = text(
        f"""
        select wanted.project_id, old.*
        from unnest(cast(:ids as bigint[]), cast(:days as date[])) as wanted (project_id, last_day)
        cross join lateral (
            select min(day) as first_day, max(day) as last_day, count(*) as quantity
            from {table.name}
            where project_id = wanted.project_id and day <= wanted.last_day
        ) as old
        where old.quantity > 0
        """  # noqa: S608 - the name of a table of ours
    )
    rows = await connection.execute(
        statement, {"ids": list(last_days), "days": list(last_days.values())}
    )
    return {
        ProjectId(row.project_id): CountedDays(row.first_day, row.last_day, row.quantity)
        for row in rows
    }


async def delete_old_rows(
    connection: AsyncConnection,
    table: Table,
    project_id: ProjectId,
    *,
    last_day: date,
    limit: int,
) -> int:
    """Delete at most `limit` rows of a project up to a day; returns how many there were."""
    statement = text(
        f"""
        delete from {table.name} where ctid = any(array(
            select ctid from {table.name}
            where project_id = :project_id and day <= :last_day limit :limit
        ))
        """  # noqa: S608 - the name of a table of ours
    )
    deleted = await connection.execute(
        statement, {"project_id": project_id, "last_day": last_day, "limit": limit}
    )
    return deleted.rowcount
