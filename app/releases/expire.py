"""Deletes counts of sessions, and the marks of sessions that were counted, by age."""

from collections.abc import Mapping
from datetime import date
from typing import Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.ids import ProjectId
from app.db import counted_days
from app.db.counted_days import CountedDays
from app.releases.tables import release_sessions

_COUNT_PAGES: Final = text(
    "select pg_relation_size('session_marks') / current_setting('block_size')::bigint"
)
# There is no index of days, which each session would have to pay for.
_DELETE_MARKS: Final = text(
    """
    delete from session_marks
    where ctid >= format('(%s,0)', cast(:first as bigint))::tid
        and ctid < format('(%s,0)', cast(:last as bigint))::tid
        and day < :before
    """
)


async def count_old_sessions(
    connection: AsyncConnection, last_days: Mapping[ProjectId, date]
) -> dict[ProjectId, CountedDays]:
    """Count the rows with sessions that began up to a day, for each of some projects."""
    return await counted_days.count_old_rows(connection, release_sessions, last_days)


async def delete_old_sessions(
    connection: AsyncConnection, project_id: ProjectId, *, last_day: date, limit: int
) -> int:
    """Delete some counts of sessions that began up to a day; returns how many rows there were."""
    return await counted_days.delete_old_rows(
        connection, release_sessions, project_id, last_day=last_day, limit=limit
    )


async def count_mark_pages(connection: AsyncConnection) -> int:
    """Return how many pages the table of marks has, through which `delete_old_marks` goes."""
    return int(await connection.scalar(_COUNT_PAGES) or 0)


async def delete_old_marks(
    connection: AsyncConnection, *, before: date, first_page: int, pages: int
) -> int:
    """Delete the marks of sessions that began before a day, from some pages of their table.

    An end of such a session that is reported again counts once more, which no SDK does after so
    long a time.

    Args:
        connection: The transaction of the caller.
        before: The first day whose marks stay.
        first_page: The first page to look through, from 0.
        pages: The number of pages to look through.

    Returns:
        How many marks there were.
    """
    deleted = await connection.execute(
        _DELETE_MARKS, {"before": before, "first": first_page, "last": first_page + pages}
    )
    return deleted.rowcount
