"""Moves rows that a release before days stored to their own day.

    events_old ─ part by part, in the order of the key ─► events_20261130_3 … ─► drop events_old

A step is one transaction, which locks the rows that it moves, so several processes may work at
once. Readers see each row in one place or the other. Segments are not moved here: they follow their
replay, when that is sealed.
"""

from datetime import date
from functools import cache
from typing import Any, Final

from sqlalchemy import Table
from sqlalchemy.dialects.postgresql.asyncpg import PGDialect_asyncpg
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.days import FIRST_DAY, OLD_DAY
from app.db.engine import get_driver
from app.db.partitions.days import TODAY_SQL, Partition, ensure_partitions

STEP: Final = 1_000
"""Rows that are moved at once."""
_DIALECT: Final = PGDialect_asyncpg()  # type: ignore[no-untyped-call]  # SQLAlchemy gives it no types

RowKey = tuple[Any, ...]
"""The key of a row, in the order of its columns."""


async def move_old_rows(
    connection: AsyncConnection, table: Table, *, after: RowKey | None = None, limit: int = STEP
) -> RowKey | None:
    """Move some rows of a table to the day on which they were received.

    A row whose key is on that day already stays where it is. The totals of storage follow by
    themselves (migration 0032).

    Args:
        connection: The transaction of one step.
        table: A table that is divided by day and has `received_at`.
        after: The place that the previous step returned; None for the beginning.
        limit: The most rows.

    Returns:
        The key after which the next step begins; None if nothing is left.
    """
    driver = await get_driver(connection)
    names = [column.name for column in table.primary_key.columns]
    rows = await driver.fetch(_write_lock(table, is_first=after is None), limit, *(after or ()))
    if not rows:
        return None
    slots: set[tuple[date, int]] = {(row["day"], row["class"]) for row in rows}
    await ensure_partitions(connection, [Partition(table.name, *slot) for slot in slots])
    columns = [[row[name] for row in rows] for name in (*names, "day", "class")]
    await driver.execute(_write_move(table), sorted({day for day, _ in slots}), *columns)
    return tuple(rows[-1][name] for name in names)


@cache
def _write_lock(table: Table, *, is_first: bool) -> str:
    """Write the statement that locks some rows and tells where they belong.

    The time of receipt is that of the process that received them, whose clock may have been wrong.
    """
    names = [column.name for column in table.primary_key.columns]
    key = ", ".join(f"t.{name}" for name in names)
    place = ", ".join(f"${number}" for number, _ in enumerate(names, 2))
    rest = "" if is_first else f"and ({key}) > ({place})"
    received = "(t.received_at at time zone 'utc')::date"
    return f"""
        select {key}, greatest(least({received}, {TODAY_SQL}), '{FIRST_DAY}') as day,
               coalesce(p.retention_class, 3::smallint) as class
        from {table.name} t left join projects p on p.id = t.project_id
        where t.day = '{OLD_DAY}' {rest}
        order by {key} limit $1
        for update of t skip locked
        """  # noqa: S608 - made of the names of tables and columns


@cache
def _write_move(table: Table) -> str:
    names = [column.name for column in table.primary_key.columns]
    types = [column.type.compile(_DIALECT).lower() for column in table.primary_key.columns]
    arrays = ", ".join(f"${number}::{kind}[]" for number, kind in enumerate(types, 2))
    last = len(types) + 2
    is_same = " and ".join(f"{{0}}.{name} = m.{name}" for name in names)
    return f"""
        update {table.name} t set day = m.day, retention_class = m.class
        from unnest({arrays}, ${last}::date[], ${last + 1}::smallint[])
            as m ({", ".join(names)}, day, class)
        where t.day = '{OLD_DAY}' and {is_same.format("t")} and not exists (
            select from {table.name} other
            where other.day = any($1::date[]) and other.day = m.day and {is_same.format("other")}
        )
        """  # noqa: S608 - made of the names of tables and columns
