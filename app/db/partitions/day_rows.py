"""Counts, moves and deletes the rows of a partition, whichever table it belongs to.

All of them are bounded, so that a step is one short transaction, and may run again.
"""

from collections.abc import Collection, Iterable
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.days import RetentionClass
from app.core.ids import ProjectId
from app.db.engine import get_driver
from app.db.partitions.days import Partition

OWNERS: Final = {
    "segments": "replay_id",
    "events": "replay_id",
    "span_blocks": "replay_id",
    "logs": "replay_id",
    "attachments": "event_id",
}
"""The column of each table that names the replay, or the event, that a row belongs to."""
_OF_PARTITION: Final = "day = $1 and retention_class = $2"


async def count_rows(
    connection: AsyncConnection, partition: Partition, *, spared: Iterable[str]
) -> dict[ProjectId, int]:
    """Count the rows of a partition by project.

    Args:
        connection: The connection to read with.
        partition: The partition.
        spared: Ids of replays, or of events, whose rows are not counted.
    """
    owner = OWNERS[partition.family]
    rows = await (await get_driver(connection)).fetch(
        f"""
        select project_id, count(*) as quantity from {partition.family}
        where {_OF_PARTITION} and ({owner} is null or {owner} <> all($3::uuid[]))
        group by project_id
        """,  # noqa: S608 - the names of our tables and columns
        *partition[1:],
        list(spared),
    )
    return {ProjectId(row["project_id"]): row["quantity"] for row in rows}


async def has_rows(
    connection: AsyncConnection,
    partition: Partition,
    projects: Collection[ProjectId],
    *,
    spared: Iterable[str],
) -> bool:
    """Tell whether a partition has rows of some projects that do not belong to `spared`."""
    owner = OWNERS[partition.family]
    found: bool = await (await get_driver(connection)).fetchval(
        f"""
        select exists (
            select from {partition.family} where {_OF_PARTITION} and project_id = any($3)
              and ({owner} is null or {owner} <> all($4::uuid[]))
        )
        """,  # noqa: S608 - the names of our tables and columns
        *partition[1:],
        list(projects),
        list(spared),
    )
    return found


async def move_rows_out(
    connection: AsyncConnection,
    partition: Partition,
    *,
    projects: Collection[ProjectId],
    owners: Iterable[str],
    limit: int,
) -> int:
    """Move rows into the partition of what is kept longer; returns how many were moved.

    Args:
        connection: The transaction of the caller; the other partition must be there.
        partition: The partition that they leave.
        projects: Projects all of whose rows are moved.
        owners: Ids of replays, or of events, whose rows are moved.
        limit: Rows at most.
    """
    owner = OWNERS[partition.family]
    moved = await (await get_driver(connection)).execute(
        f"""
        update {partition.family} set retention_class = {RetentionClass.KEPT.value}
        where {_OF_PARTITION} and ctid = any(array(
            select ctid from {partition.family}
            where {_OF_PARTITION} and (project_id = any($3) or {owner} = any($4::uuid[]))
            limit $5
        ))
        """,  # noqa: S608 - the names of our tables and columns
        *partition[1:],
        list(projects),
        list(owners),
        limit,
    )
    return _read_count(moved)


async def delete_rows(
    connection: AsyncConnection,
    partition: Partition,
    project_id: ProjectId,
    *,
    spared: Iterable[str],
    limit: int,
) -> int:
    """Delete rows of a project in a partition; returns how many there were.

    Args:
        connection: The transaction of the caller.
        partition: The partition.
        project_id: The project.
        spared: Ids of replays, or of events, whose rows stay.
        limit: Rows at most.
    """
    owner = OWNERS[partition.family]
    deleted = await (await get_driver(connection)).execute(
        f"""
        delete from {partition.family} where {_OF_PARTITION} and ctid = any(array(
            select ctid from {partition.family}
            where {_OF_PARTITION} and project_id = $3
              and ({owner} is null or {owner} <> all($4::uuid[]))
            limit $5
        ))
        """,  # noqa: S608 - the names of our tables and columns
        *partition[1:],
        project_id,
        list(spared),
        limit,
    )
    return _read_count(deleted)


async def has_rows_of_others(
    connection: AsyncConnection,
    partition: Partition,
    projects: Collection[ProjectId],
    *,
    spared: Iterable[str],
) -> bool:
    """Tell whether a partition has rows of other projects, or of spared replays or events."""
    owner = OWNERS[partition.family]
    found: bool = await (await get_driver(connection)).fetchval(
        f"""
        select exists (
            select from {partition.family} where {_OF_PARTITION}
              and (project_id <> all($3) or {owner} = any($4::uuid[]))
        )
        """,  # noqa: S608 - the names of our tables and columns
        *partition[1:],
        list(projects),
        list(spared),
    )
    return found


def _read_count(status: str) -> int:
    """Read how many rows a statement changed: `DELETE 12`."""
    return int(status.rpartition(" ")[2])
