"""Adds log records, and reads those of a replay part by part."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import BigInteger, DateTime, Uuid, bindparam
from sqlalchemy.engine import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.days import BatchDays, DaySlot
from app.core.ids import ProjectId, ReplayId, SpanId, TraceId
from app.core.replay.replay_window import ReplayWindow
from app.db import windows as sql_windows
from app.db.rows import insert_new_rows
from app.db.text import clean, clean_or_none
from app.traces.model import NewLog, StoredLog
from app.traces.tables import logs

_NAME_BYTES: Final = 1_024
PART_LOGS: Final = 2_000
"""The most records of one replay that are read at once."""
MOST_COUNTED: Final = 20_000
"""The most records of one trace that are counted, which bounds what a page costs."""
_KEY: Final = "{0}.day, {0}.project_id, {0}.log_id, {0}.at"
_FROM: Final = "{0}.at >= :at"


def _write_linked_sql(condition: str, *, limit: int) -> str:
    """Return a select of the keys of linked records that meet a condition."""
    only = f"{sql_windows.RECENT_OF_PROJECTS} and {condition.format('x')}"
    by_trace = sql_windows.traced_rows(
        "logs", _KEY.format("x"), lasts=False, only=only, limit=limit
    )
    return f"""
        select {_KEY.format("l")}
        from windows w join logs l on l.replay_id = w.replay_id
        where l.project_id = any(:project_ids) and {condition.format("l")}
          and {sql_windows.SINCE.format("l")}
        union
        select day, project_id, log_id, at from ({by_trace}) linked
    """  # noqa: S608 - joined from constants


_LOGS: Final = sql_windows.make_window_statement(
    f"""
    with {sql_windows.WINDOWS},
    keys as ({_write_linked_sql(_FROM, limit=sql_windows.MOST_LINKED)})
    select l.project_id, l.log_id, l.at, l.drift_ms, l.level, l.body, l.trace_id, l.span_id,
           l.replay_id, l.release, l.environment, l.attributes
    from keys k join logs l using (day, project_id, log_id)
    where {sql_windows.SINCE.format("l")}
      and (l.at, l.project_id, l.log_id) > (:at, :after_project, :after_log)
    order by l.at, l.project_id, l.log_id
    limit :most
    """  # noqa: S608 - joined from constants
).bindparams(
    bindparam("at", type_=DateTime(timezone=True)),
    bindparam("after_project", type_=BigInteger),
    bindparam("after_log", type_=Uuid(as_uuid=False)),
)
_COUNT: Final = sql_windows.make_window_statement(
    f"""
    with {sql_windows.WINDOWS}
    select count(*) from ({_write_linked_sql("true", limit=MOST_COUNTED)}) keys
    """  # noqa: S608 - joined from constants
)


@dataclass(frozen=True, slots=True)
class LogPlace:
    """The place of a record among those of its replay, in the order of their time."""

    number: int
    """Counted from 1; 0 stands before all records."""
    at: datetime
    project_id: ProjectId
    log_id: str


BEFORE_ALL: Final = LogPlace(0, datetime(1970, 1, 1, tzinfo=UTC), ProjectId(0), "0" * 32)


@dataclass(frozen=True, slots=True)
class LinkedLogs:
    """The log records of a replay, or a part of them if there are too many to be read at once."""

    logs: tuple[StoredLog, ...]
    """The records in the order of their time."""
    first: int
    """The number of the first record of this part, counted from 1."""
    next_place: LogPlace | None
    """The place after which the next part begins; None if this is the last."""


async def add_logs(
    connection: AsyncConnection, new: Sequence[NewLog], days: BatchDays
) -> set[tuple[ProjectId, str]]:
    """Store records that are not there yet; returns the keys of those that were stored."""
    first = {
        (record.project_id, record.log_id): _make_row(record, days.slot_of(record.project_id))
        for record in reversed(new)
    }
    return await insert_new_rows(connection, logs, first, days=days.recent)


async def read_logs_of_replay(
    connection: AsyncConnection,
    window: ReplayWindow,
    project_ids: Sequence[ProjectId],
    *,
    after: LogPlace = BEFORE_ALL,
) -> LinkedLogs:
    """Read the log records of one replay in the order of their time.

    Args:
        connection: The connection to read with.
        window: The reach of the replay.
        project_ids: The projects that the reader may see.
        after: The place after which the part begins.
    """
    wanted = {
        "at": after.at,
        "after_project": after.project_id,
        "after_log": after.log_id,
        "most": PART_LOGS + 1,
    }
    parameters = sql_windows.make_window_parameters([window], project_ids)
    rows = (await connection.execute(_LOGS, parameters | wanted)).all()
    records = tuple(_make_log(row) for row in rows[:PART_LOGS])
    place = None
    if len(rows) > PART_LOGS:
        last = records[-1]
        place = LogPlace(after.number + len(records), last.at, last.project_id, last.log_id)
    return LinkedLogs(records, first=after.number + 1, next_place=place)


async def count_logs(
    connection: AsyncConnection, window: ReplayWindow, project_ids: Sequence[ProjectId]
) -> int:
    """Count the log records of one replay; from `MOST_COUNTED` on there may be more."""
    parameters = sql_windows.make_window_parameters([window], project_ids)
    return int((await connection.execute(_COUNT, parameters)).scalar_one())


def _make_row(one: NewLog, slot: DaySlot) -> dict[str, Any]:
    return {
        "day": slot.day,
        "retention_class": slot.retention_class,
        "project_id": one.project_id,
        "log_id": one.log_id,
        "received_at": one.received_at,
        "at": one.at,
        "drift_ms": one.drift_ms,
        "level": one.level,
        "body": clean(one.body),
        "trace_id": one.trace_id,
        "span_id": one.span_id,
        "replay_id": one.replay_id,
        "release": clean_or_none(one.release, limit_bytes=_NAME_BYTES),
        "environment": clean_or_none(one.environment, limit_bytes=_NAME_BYTES),
        "attributes": one.attributes,
    }


def _make_log(row: Row[Any]) -> StoredLog:
    return StoredLog(
        project_id=ProjectId(row.project_id),
        log_id=row.log_id.hex,
        at=row.at,
        drift_ms=row.drift_ms,
        level=row.level,
        body=row.body,
        trace_id=TraceId(row.trace_id.hex) if row.trace_id else None,
        span_id=SpanId(row.span_id) if row.span_id else None,
        replay_id=ReplayId(row.replay_id.hex) if row.replay_id else None,
        release=row.release,
        environment=row.environment,
        attributes=row.attributes,
    )
