"""Many rows go into a table with one statement, whatever the types of their columns."""

from datetime import UTC, date, datetime
from typing import Final

import asyncpg
import pytest
from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    Column,
    Date,
    DateTime,
    Double,
    LargeBinary,
    MetaData,
    Table,
    Text,
    select,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from app.db.engine import Database
from app.db.rows import Row, RowShape, insert_new_rows, run_with_rows
from app.db.types import Hex32

_TABLE: Final = Table(
    "trial",
    MetaData(),
    Column("project_id", BigInteger, primary_key=True),
    Column("id", Hex32, primary_key=True),
    Column("name", Text),
    Column("at", DateTime(timezone=True)),
    Column("day", Date),
    Column("share", Double),
    Column("is_new", Boolean),
    Column("words", ARRAY(Text)),
    Column("facts", JSONB),
    Column("data", LargeBinary),
    Column("more_data", LargeBinary),
)
_CREATE: Final = """
    create temporary table trial (
        project_id bigint, id uuid, name text, at timestamptz, day date, share double precision,
        is_new boolean, words text[], facts jsonb, data bytea, more_data bytea,
        primary key (project_id, id)
    )
"""
_FULL: Final = {
    "project_id": 2**62 + 1,
    "id": "a" * 32,
    "name": 'ä "quoted" \\ line\nbreak \u2028 🎬',
    "at": datetime(2026, 11, 30, 12, 0, 0, 123_456, tzinfo=UTC),
    "day": date(2026, 2, 28),
    "share": 0.1,
    "is_new": True,
    "words": ["b", "a,c", 'd"e', ""],
    "facts": '{"nested": {"list": [1, null, "x"]}}',
    "data": bytes(range(256)),
    "more_data": b"",
}
_EMPTY: Final = dict.fromkeys(_FULL) | {"project_id": 1, "id": "b" * 32}


async def read_rows_back(database: Database, shape: RowShape, rows: list[Row]) -> list[Row]:
    """Send rows to Postgres, and return them as it understands them."""
    sql = f"select {shape.columns} from {shape.source}"
    async with database.transaction() as connection:
        return [dict(row) for row in await run_with_rows(connection, sql, shape, rows)]


async def test_a_row_of_every_type_is_read_back_unchanged(database: Database):
    """Text, times, numbers, lists, JSON and bytes are read back unchanged, and None in each."""
    async with database.transaction() as connection:
        await connection.execute(text(_CREATE))
        rows = {(row["project_id"], row["id"]): row for row in (_FULL, _EMPTY)}
        assert await insert_new_rows(connection, _TABLE, rows) == set(rows)
        result = await connection.execute(select(_TABLE).order_by(_TABLE.c.project_id.desc()))
        full, empty = result.mappings().all()
    assert dict(full) == _FULL | {"facts": {"nested": {"list": [1, None, "x"]}}}
    assert dict(empty) == _EMPTY


async def test_the_first_write_of_a_key_wins(database: Database):
    """Only new rows are returned, and existing rows stay as they were."""
    key, other = (1, "b" * 32), (1, "c" * 32)
    async with database.transaction() as connection:
        await connection.execute(text(_CREATE))
        assert await insert_new_rows(connection, _TABLE, {}) == set()
        await insert_new_rows(connection, _TABLE, {key: _EMPTY | {"name": "first"}})
        rows = {key: _EMPTY | {"name": "second"}, other: _EMPTY | {"id": other[1]}}
        assert await insert_new_rows(connection, _TABLE, rows) == {other}
        names = await connection.scalars(select(_TABLE.c.name).order_by(_TABLE.c.id))
        assert names.all() == ["first", None]


async def test_a_statement_reads_rows_in_their_order(database: Database):
    """Columns of bytes stay together with the other columns of their rows."""
    shape = RowShape({"number": "integer", "data": "bytea", "more": "bytea"})
    rows: list[Row] = [
        {"number": n, "data": b"%d" % n, "more": None if n % 2 else b"-"} for n in range(50)
    ]
    assert await read_rows_back(database, shape, rows) == rows


@pytest.mark.parametrize(
    ("kind", "value"), [("text", "a\0b"), ("text", "\ud800"), ("text[]", ["\0"]), ("bigint", 2**63)]
)
async def test_a_value_that_postgres_cannot_hold_is_a_fault_of_the_row(
    database: Database, kind: str, value: object
):
    """Such a value never counts as an outage, after which digest would retry the row for ever."""
    shape = RowShape({"value": kind})
    with pytest.raises((asyncpg.DataError, UnicodeEncodeError)):
        await read_rows_back(database, shape, [{"value": value}])
