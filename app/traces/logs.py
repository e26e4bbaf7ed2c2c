"""Log records: adding them, and reading what belongs to a replay."""

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy.engine import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.ids import ProjectId, ReplayId, SpanId, TraceId
from app.core.windows import ReplayWindow
from app.db import rows, windows as sql_windows
from app.db.text import clean, clean_or_none
from app.traces.model import NewLog, StoredLog
from app.traces.tables import logs

_NAME_BYTES: Final = 1_024
_MOST: Final = 5_000
"""Records of one replay at most."""

_LOGS: Final = sql_windows.statement(
    f"""
    with {sql_windows.WINDOWS},
    keys as (
        select l.project_id, l.log_id
        from windows w join logs l on l.replay_id = w.replay_id
        where l.project_id = any(:project_ids)
        union
        select project_id, log_id
        from ({sql_windows.by_trace("logs", "x.project_id, x.log_id", lasts=False)}) linked
    )
    select l.project_id, l.log_id, l.at, l.drift_ms, l.level, l.body, l.trace_id, l.span_id,
           l.replay_id, l.release, l.environment, l.attributes
    from keys join logs l using (project_id, log_id)
    order by l.at, l.log_id
    limit :most
    """  # noqa: S608 - joined from constants
)


async def add_logs(
    connection: AsyncConnection, new: Sequence[NewLog]
) -> set[tuple[ProjectId, str]]:
    """Store records that are not there yet; returns the keys of those that were stored."""
    first = {(one.project_id, one.log_id): _row(one) for one in reversed(new)}
    return await rows.add_new(connection, logs, first)


async def logs_of(
    connection: AsyncConnection, window: ReplayWindow, project_ids: Sequence[ProjectId]
) -> list[StoredLog]:
    """Read the log records of one replay in the order of their time.

    Args:
        connection: Where to read.
        window: The reach of the replay.
        project_ids: The projects that the reader may see.
    """
    parameters = sql_windows.parameters([window], project_ids)
    found = await connection.execute(_LOGS, {**parameters, "most": _MOST})
    return [_log(row) for row in found]


def _row(one: NewLog) -> dict[str, Any]:
    return {
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


def _log(row: Row[Any]) -> StoredLog:
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
