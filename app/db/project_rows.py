"""Deletes whatever rows a project has, in every table that knows of projects.

Tables are found by their column `project_id`, so that a new one is not forgotten.
"""

from collections.abc import Iterable
from typing import Final

from sqlalchemy import Table, delete, or_, select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.ids import ProjectId
from app.db.schema import metadata

_PROJECT_COLUMNS: Final = ("project_id", "replay_project_id")


async def delete_project_rows(
    connection: AsyncConnection, project_id: ProjectId, *, but: Iterable[str], limit: int
) -> int:
    """Delete some rows of a project.

    Args:
        connection: The transaction of the caller.
        project_id: The project.
        but: The names of tables that keep their rows, or lose them in another way.
        limit: The most rows that are deleted.

    Returns:
        How many rows were deleted; fewer than `limit` if nothing is left.
    """
    deleted = 0
    for table in list_project_tables(but):
        names = [name for name in _PROJECT_COLUMNS if name in table.c]
        keys = list(table.primary_key.columns)
        some = (
            select(*keys)
            .where(or_(*(table.c[name] == project_id for name in names)))
            .limit(limit - deleted)
        )
        gone = await connection.execute(delete(table).where(tuple_(*keys).in_(some)))
        deleted += gone.rowcount
        if deleted >= limit:
            break
    return deleted


def list_project_tables(but: Iterable[str]) -> list[Table]:
    """Return the tables with rows of projects, but for some."""
    left_out = set(but)
    return [
        table
        for name, table in sorted(metadata.tables.items())
        if name not in left_out and any(column in table.c for column in _PROJECT_COLUMNS)
    ]
