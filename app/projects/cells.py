"""Cells: several installations that look like one, each with projects of its own.

    cell 7 has the ids 7,000,001 to 7,999,999: a proxy sees from `/api/7000012/` where it belongs

An installation that becomes a cell keeps the projects that it has; their ids are below 1,000,000.
Only one installation behind a common name may have such projects.
"""

from dataclasses import dataclass
from typing import Final

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.errors import DatabaseUnusable
from app.core.ids import ProjectId
from app.db import engine
from app.db.cutoff import close_connection
from app.projects.tables import projects, server_settings

IDS_PER_CELL: Final = 1_000_000
_NAME: Final = "cell"


@dataclass(frozen=True, slots=True)
class CellProjects:
    """The numbers of projects in a database, by the ranges from which their ids come."""

    own: int
    """Projects whose ids belong to the cell."""
    older: int
    """Projects from before the installation became a cell."""


def find_cell_of(project_id: int) -> int | None:
    """Return the cell to which the id of a project belongs; None if it is from before cells."""
    return project_id // IDS_PER_CELL or None


def first_id_of(cell: int) -> ProjectId:
    """Return the id of the first project that is made in a cell."""
    return ProjectId(cell * IDS_PER_CELL + 1)


def last_id_of(cell: int) -> ProjectId:
    """Return the id of the last project that can be made in a cell."""
    return ProjectId((cell + 1) * IDS_PER_CELL - 1)


async def claim_cell(url: str, cell: int) -> None:
    """Let new projects of a database have ids of a cell, unless they do already.

    Args:
        url: The database for the role that owns its tables.
        cell: The number of the cell.

    Raises:
        DatabaseUnavailable: Postgres cannot be reached.
        DatabaseUnusable: The database is another cell, or the role does not own the tables.
    """
    with engine.translating_errors():
        connection = await engine.connect(url)
        try:
            async with connection.transaction():
                # The row is locked, so that another process waits here until the ids are set.
                claimed = await connection.fetchval(
                    "insert into server_settings as s (name, value) values ($1, $2)"
                    " on conflict (name) do update set value = s.value returning value",
                    _NAME,
                    cell,
                )
                if claimed != cell:
                    raise DatabaseUnusable(
                        f"this database is cell {claimed}, and PLAYHEAD_CELL is {cell}"
                    )
                sequence = await connection.fetchval(
                    "select pg_get_serial_sequence('projects', 'id')"
                )
                limit = await connection.fetchval(
                    "select seqmax from pg_sequence where seqrelid = $1::text::regclass", sequence
                )
                if limit != last_id_of(cell):
                    # Names and numbers come from the catalogue and from us.
                    await connection.execute(
                        f"alter sequence {sequence} maxvalue {last_id_of(cell)}"
                        f" restart with {first_id_of(cell)}"
                    )
        finally:
            await close_connection(connection)


async def read_cell(connection: AsyncConnection) -> int | None:
    """Return the number of the cell that this database is, or None if it is none."""
    query = select(server_settings.c.value).where(server_settings.c.name == _NAME)
    return (await connection.execute(query)).scalar()


async def count_cell_projects(connection: AsyncConnection) -> CellProjects:
    """Count the projects of this database."""
    is_older = projects.c.id < IDS_PER_CELL
    row = (
        await connection.execute(
            select(
                func.count().filter(~is_older).label("own"),
                func.count().filter(is_older).label("older"),
            )
        )
    ).one()
    return CellProjects(row.own, row.older)
