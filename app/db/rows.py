"""Writing many rows with one statement: they travel as one JSON text that Postgres takes apart.

    rows ─► JSON text ($1), and an array for each column of bytes ($2, …)
         ─► json_to_recordset and unnest ─► insert … select … on conflict …

Measured with batches of 64 spans, events and log records: to pass an array for each column costs
this process a fifth more, and SQLAlchemy's `insert` with many rows costs twice as much. Postgres
itself works alike for all three.

`insert_new_rows` is enough where the first write of a key wins. A statement that folds new rows
into those that are there reads them from the `source` of a `RowShape`.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from functools import cache
from typing import TYPE_CHECKING, Any, Final, Self, cast
from uuid import UUID

import msgspec
from sqlalchemy import Table
from sqlalchemy.dialects.postgresql.asyncpg import PGDialect_asyncpg
from sqlalchemy.ext.asyncio import AsyncConnection

from app.db.engine import get_driver

if TYPE_CHECKING:
    import asyncpg

Row = Mapping[str, Any]
"""The values of a row by column: bytes in a column of bytes, JSON text in a column of JSON, and
elsewhere what JSON can write, with times and lists among it."""

_DIALECT: Final = PGDialect_asyncpg()  # type: ignore[no-untyped-call]  # SQLAlchemy gives it no types


class RowShape:
    """The columns of rows that a statement takes, with their types in Postgres."""

    def __init__(self, types: Mapping[str, str]) -> None:
        """Make a shape from the types of its columns, by name."""
        in_json = tuple(name for name, kind in types.items() if kind != "bytea")
        self._documents = tuple(name for name, kind in types.items() if kind in {"json", "jsonb"})
        self._in_bytes = tuple(name for name, kind in types.items() if kind == "bytea")
        typed = ", ".join(f"{name} {types[name]}" for name in in_json)
        arrays = [f", unnest(${number}::bytea[])" for number, _ in enumerate(self._in_bytes, 2)]

        self.next_number: Final = 2 + len(self._in_bytes)
        """The number of the first argument that is not one of `arguments`."""
        self.columns: Final = ", ".join((*in_json, *self._in_bytes))
        """The names of the columns, as a statement lists them."""
        self.source: Final = (
            f"rows from (json_to_recordset($1) as ({typed}){''.join(arrays)}) "
            f"as new ({self.columns})"
        )
        """The rows as they stand in the `from` of a statement, under the name `new`."""

    @classmethod
    def of_table(cls, table: Table, names: Sequence[str]) -> Self:
        """Return the shape of some columns of a table."""
        return cls({name: table.c[name].type.compile(_DIALECT).lower() for name in names})

    def arguments(self, rows: Sequence[Row]) -> list[Any]:
        """Return the arguments with which a statement finds these rows in `source`."""
        # To copy a row and change the copy takes half as long as to pick its columns by name.
        values = [dict(row) for row in rows]
        for value in values:
            for name in self._in_bytes:
                del value[name]
            for name in self._documents:
                if value[name] is not None:
                    value[name] = msgspec.Raw(value[name].encode())
        text = msgspec.json.encode(values).decode()
        return [text, *([row[name] for row in rows] for name in self._in_bytes)]


async def insert_new_rows[Key: tuple[Any, ...]](
    connection: AsyncConnection,
    table: Table,
    rows: Mapping[Key, Row],
    *,
    days: Sequence[date] = (),
) -> set[Key]:
    """Insert the rows whose key is not there yet.

    Args:
        connection: The transaction of the caller.
        table: A table with a primary key.
        rows: Rows that all have the same columns, under their primary key in the order of its
            columns.
        days: The days on which a row of the same key may lie, for a table that is divided by day:
            its key is unique in one partition only.

    Returns:
        The keys of the rows that were inserted; the others were duplicates.
    """
    if not rows:
        return set()
    # Sorted, so that two processes lock rows in the same order.
    ordered = [rows[key] for key in sorted(rows)]
    sql, shape = _insert_statement(table, tuple(ordered[0]), has_days=bool(days))
    inserted = await run_with_rows(connection, sql, shape, ordered, *([days] if days else ()))
    return {cast("Key", tuple(_plain(value) for value in key)) for key in inserted}


async def run_with_rows(
    connection: AsyncConnection, sql: str, shape: RowShape, rows: Sequence[Row], *others: Any
) -> "list[asyncpg.Record]":
    """Run a statement that reads `rows` from the source of `shape`; returns what it returns.

    Args:
        connection: The connection to run it with.
        sql: The statement.
        shape: The columns of the rows.
        rows: The rows.
        others: Further arguments, whose numbers begin with `shape.next_number`.
    """
    driver = await get_driver(connection)
    return await driver.fetch(sql, *shape.arguments(rows), *others)


@cache
def _insert_statement(
    table: Table, names: tuple[str, ...], *, has_days: bool
) -> tuple[str, RowShape]:
    shape = RowShape.of_table(table, names)
    key_names = [column.name for column in table.primary_key.columns]
    key = ", ".join(key_names)
    unless = ""
    if has_days:
        is_same = " and ".join(f"earlier.{name} = new.{name}" for name in key_names)
        unless = f"""
        where not exists (
            select from {table.name} earlier
            where earlier.day = any(${shape.next_number}::date[]) and {is_same}
        )"""
    sql = f"""
        insert into {table.name} ({shape.columns}) select * from {shape.source} {unless}
        on conflict do nothing
        returning {key}
        """  # noqa: S608 - made of the names of tables and columns
    return sql, shape


def _plain(value: Any) -> Any:
    """Return a value of a key as Python code holds it: ids are hex digits."""
    return value.hex if isinstance(value, UUID) else value
