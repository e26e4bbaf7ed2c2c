"""Goes through the rows of a project in any table, a bounded number at a time.

A domain describes its table as a `RecordSource`: which columns hold text, packed JSON, a user. The
reader knows only records. Rows come in the order of the primary key, so a cursor is the key of the
last one; rows that arrive meanwhile may come before it and need a second look.
"""

import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Final

from sqlalchemy import (
    Column,
    ColumnElement,
    Date,
    Table,
    and_,
    delete,
    false,
    func,
    literal,
    select,
    tuple_,
)
from sqlalchemy.engine import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.ids import ProjectId, ReplayId

RecordKey = tuple[Any, ...]
"""The primary key of a row, as Postgres has it."""
ScanCursor = list[Any]
"""A key as JSON can hold it."""

_NO_USER: Final[Mapping[str, Any]] = {}


@dataclass(frozen=True, slots=True)
class RecordSource:
    """A table whose rows belong to a project, and what its columns hold."""

    table: Table
    texts: tuple[str, ...] = ()
    """Columns of text."""
    packed: tuple[str, ...] = ()
    """Columns of packed JSON (`formats/stored/packed_json.py`)."""
    bodies: tuple[str, ...] = ()
    """Columns of bytes in other formats."""
    user: str | None = None
    """The column with the recorded user, if there is one."""
    replay: str | None = "replay_id"
    """The column that names a replay, if there is one."""
    quantity: str | None = None
    """The column with how many things a row holds, if it may hold several."""

    @property
    def name(self) -> str:
        """The name of the table."""
        return self.table.name

    @property
    def key_columns(self) -> list[ColumnElement[Any]]:
        """The columns of the primary key, in its order."""
        return list(self.table.primary_key.columns)


@dataclass(frozen=True, slots=True)
class ScannedRecord:
    """A row of a source."""

    key: RecordKey
    values: Mapping[str, Any] = field(repr=False)
    """The columns that the source names, by name."""
    user: Mapping[str, Any]
    replay_id: ReplayId | None
    quantity: int
    """The number of things in it, such as the spans of a block."""
    size_bytes: int
    """The bytes of its packed columns and bodies."""


@dataclass(frozen=True, slots=True)
class RecordPart:
    """Some records, and where the next part begins."""

    records: tuple[ScannedRecord, ...]
    cursor: ScanCursor | None
    """None if this is the last part."""


async def read_records(
    connection: AsyncConnection,
    source: RecordSource,
    project_id: ProjectId,
    *,
    after: ScanCursor | None = None,
    limit: int,
    condition: ColumnElement[bool] | None = None,
    is_ordered: bool = True,
) -> RecordPart:
    """Read the rows of a project that follow a cursor.

    Args:
        connection: The connection to read with.
        source: The table.
        project_id: The project.
        after: The cursor of the part before; None to begin.
        limit: The most rows that are read.
        condition: The condition of the rows; None for all.
        is_ordered: False where an index finds the few rows that meet the condition: then they come
            in any order, and the cursor only says that there may be more.
    """
    keys = source.key_columns
    names = [*source.texts, *source.packed, *source.bodies]
    names += [name for name in (source.user, source.replay, source.quantity) if name]
    columns = {column.name: column for column in source.table.columns}
    wanted = [*keys, *(columns[name] for name in names if columns[name] not in keys)]
    query = select(*wanted).where(columns["project_id"] == project_id)
    if after is not None:
        edge = [literal(value, column.type) for value, column in _read_cursor(source, after)]
        query = query.where(tuple_(*keys) > tuple_(*edge))
    if condition is not None:
        query = query.where(condition)
    if is_ordered:
        query = query.order_by(*keys)
    rows = (await connection.execute(query.limit(limit))).all()
    records = tuple(_to_record(source, row) for row in rows)
    cursor = _write_cursor(records[-1].key) if len(rows) == limit else None
    return RecordPart(records, cursor)


async def count_records(
    connection: AsyncConnection,
    source: RecordSource,
    project_id: ProjectId,
    *,
    condition: ColumnElement[bool] | None = None,
) -> int:
    """Count the rows of a project."""
    query = select(func.count()).select_from(source.table)
    query = query.where(source.table.c.project_id == project_id)
    if condition is not None:
        query = query.where(condition)
    return int(await connection.scalar(query) or 0)


async def delete_records(
    connection: AsyncConnection, source: RecordSource, keys: Collection[RecordKey]
) -> int:
    """Delete rows by their keys; returns how many there were."""
    if not keys:
        return 0
    is_among = tuple_(*source.key_columns).in_(sorted(keys, key=str))
    deleted = await connection.execute(delete(source.table).where(is_among))
    return deleted.rowcount


def is_received_between(
    source: RecordSource, since: datetime | None, until: datetime | None
) -> ColumnElement[bool] | None:
    """Return the condition that a row was received in a time; None if both ends are open."""
    column = source.table.c.received_at
    parts = [
        *([column >= since] if since is not None else []),
        *([column < until] if until is not None else []),
    ]
    return and_(*parts) if parts else None


def names_replay(source: RecordSource, replay_ids: Sequence[ReplayId]) -> ColumnElement[bool]:
    """Return the condition that a row names one of some replays."""
    if source.replay is None:
        return false()
    column: ColumnElement[Any] = source.table.c[source.replay]
    return column.in_(replay_ids)


def _to_record(source: RecordSource, row: Row[Any]) -> ScannedRecord:
    values = row._mapping  # noqa: SLF001 - a public name of SQLAlchemy
    named = {name: values[name] for name in (*source.texts, *source.packed, *source.bodies)}
    sizes = (len(named[name] or b"") for name in (*source.packed, *source.bodies))
    user = values[source.user] if source.user else _NO_USER
    replay_id = values[source.replay] if source.replay else None
    return ScannedRecord(
        key=tuple(values[column.name] for column in source.table.primary_key.columns),
        values=named,
        user=user if isinstance(user, Mapping) else _NO_USER,
        replay_id=ReplayId(replay_id) if replay_id else None,
        quantity=values[source.quantity] if source.quantity else 1,
        size_bytes=sum(sizes),
    )


def _write_cursor(key: RecordKey) -> ScanCursor:
    return [_write_value(value) for value in key]


def _write_value(value: Any) -> Any:
    match value:
        case uuid.UUID():
            return value.hex
        case date():
            return value.isoformat()
        case _:
            return value


def _read_cursor(source: RecordSource, cursor: ScanCursor) -> list[tuple[Any, Column[Any]]]:
    """Return the values of a cursor with their columns; days become dates again."""
    columns = source.table.primary_key.columns
    return [
        (date.fromisoformat(value) if isinstance(column.type, Date) else value, column)
        for column, value in zip(columns, cursor, strict=True)
    ]
