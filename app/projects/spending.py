"""Shares among processes how much each key has sent, and how much projects may store."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.errors import InvalidInput, NotFound
from app.core.ids import ProjectId, PublicKey
from app.db.rows import RowShape, run_with_rows
from app.projects.tables import key_spending, projects

_MOST_PROJECTS: Final = 10_000
_MOST_BYTES: Final = 2**62

_SPENT: Final = RowShape.of_table(key_spending, ("public_key", "envelopes", "size_bytes"))
# Sorted, so that two processes lock rows in the same order. The join keeps made-up keys out.
_ADD: Final = f"""
    insert into key_spending as known (public_key, envelopes, size_bytes, last_used_at)
    select k.public_key, new.envelopes, new.size_bytes, now()
    from {_SPENT.source}
    join project_keys as k using (public_key)
    order by k.public_key
    on conflict (public_key) do update set
        envelopes = known.envelopes + excluded.envelopes,
        size_bytes = known.size_bytes + excluded.size_bytes,
        last_used_at = excluded.last_used_at
    returning public_key, envelopes, size_bytes
    """  # noqa: S608 - made of the names of columns


@dataclass(frozen=True, slots=True)
class KeySpending:
    """The amount that a key has sent, in tokens of its rates."""

    envelopes: float
    size_bytes: float


async def add_spending(
    connection: AsyncConnection, spent: Mapping[PublicKey, KeySpending]
) -> dict[PublicKey, KeySpending]:
    """Add what this process has accepted.

    Returns:
        What all processes together have ever accepted from the same keys.
    """
    if not spent:
        return {}
    rows = [
        {"public_key": key, "envelopes": one.envelopes, "size_bytes": one.size_bytes}
        for key, one in spent.items()
    ]
    return {
        PublicKey(row["public_key"]): KeySpending(row["envelopes"], row["size_bytes"])
        for row in await run_with_rows(connection, _ADD, _SPENT, rows)
    }


async def read_storage_limits(connection: AsyncConnection) -> dict[ProjectId, int]:
    """Return at how many bytes projects turn new data away; other projects are left out.

    Projects that let their oldest data go at the limit never turn new data away.
    """
    rows = await connection.execute(
        select(projects.c.id, projects.c.stored_bytes_limit)
        .where(projects.c.stored_bytes_limit.is_not(None), projects.c.at_limit == "refuse")
        .limit(_MOST_PROJECTS)
    )
    return {ProjectId(row.id): row.stored_bytes_limit for row in rows}


async def set_storage_limit(
    connection: AsyncConnection, project_id: ProjectId, limit_bytes: int | None
) -> None:
    """Limit the bytes that a project may store, or lift its limit; applies within 10 s.

    Raises:
        InvalidInput: The limit is negative or too large.
        NotFound: There is no such project.
    """
    if limit_bytes is not None and not 0 <= limit_bytes <= _MOST_BYTES:
        raise InvalidInput("the storage limit is a number of bytes, 0 or more")
    updated = await connection.execute(
        update(projects).where(projects.c.id == project_id).values(stored_bytes_limit=limit_bytes)
    )
    if not updated.rowcount:
        raise NotFound(f"no project {project_id}")
