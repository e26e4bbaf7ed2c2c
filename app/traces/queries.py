"""Reads: the transactions and spans that belong to a replay."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.engine import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.ids import EventId, ProjectId, ReplayId, SpanId, TraceId
from app.core.windows import ReplayWindow
from app.db import windows as sql_windows
from app.traces.model import StoredSpan, StoredTransaction

_MOST: Final = 5_000
"""Spans of one replay at most."""
_MOST_REQUESTS: Final = 500
MOST_IN_TRACE: Final = 10_000
"""Spans of one trace on its own page at most."""

_SPAN_KEY: Final = "x.project_id, x.trace_id, x.span_id"

_TRANSACTIONS: Final = sql_windows.statement(
    f"""
    with {sql_windows.WINDOWS},
    keys as (
        select x.project_id, x.event_id
        from windows w join transactions x on x.replay_id = w.replay_id
        where x.project_id = any(:project_ids)
        union
        select project_id, event_id
        from ({sql_windows.by_trace("transactions", "x.project_id, x.event_id", lasts=True)}) linked
    )
    select x.project_id, x.event_id, x.started_at, x.ended_at, x.drift_ms, x.name, x.op, x.status,
           x.platform, x.trace_id, x.replay_id, x.spans
    from keys join transactions x using (project_id, event_id)
    order by x.started_at, x.event_id
    limit :most
    """  # noqa: S608 - joined from constants
)
_SPANS: Final = sql_windows.statement(
    f"""
    with {sql_windows.WINDOWS},
    keys as (
        select s.project_id, s.trace_id, s.span_id
        from windows w join spans s on s.replay_id = w.replay_id
        where s.project_id = any(:project_ids)
        union
        select project_id, trace_id, span_id
        from ({sql_windows.by_trace("spans", _SPAN_KEY, lasts=True)}) linked
    )
    select s.project_id, s.trace_id, s.span_id, s.parent_span_id, s.transaction_id, s.is_segment,
           s.started_at, s.ended_at, s.drift_ms, s.op, s.description, s.status, s.service,
           s.replay_id
    from keys join spans s using (project_id, trace_id, span_id)
    order by s.started_at, s.span_id
    limit :most
    """  # noqa: S608 - joined from constants
)
_IN_TRACE: Final = text(
    """
    select distinct replay_id from spans
    where trace_id = cast(:trace_id as uuid) and replay_id is not null
      and project_id = any(:project_ids)
    limit 1000
    """
)
_SPANS_IN_TRACE: Final = text(
    """
    select s.project_id, s.trace_id, s.span_id, s.parent_span_id, s.transaction_id, s.is_segment,
           s.started_at, s.ended_at, s.drift_ms, s.op, s.description, s.status, s.service,
           s.replay_id
    from spans s
    where s.trace_id = cast(:trace_id as uuid) and s.project_id = any(:project_ids)
    order by s.started_at, s.span_id
    limit :most
    """
)
_TRANSACTIONS_IN_TRACE: Final = text(
    """
    select x.project_id, x.event_id, x.started_at, x.ended_at, x.drift_ms, x.name, x.op, x.status,
           x.platform, x.trace_id, x.replay_id, x.spans
    from transactions x
    where x.trace_id = cast(:trace_id as uuid) and x.project_id = any(:project_ids)
    order by x.started_at, x.event_id
    limit :most
    """
)
_REQUESTS: Final = text(
    """
    select s.description,
           exists (
               select from spans c
               where c.trace_id = s.trace_id and c.parent_span_id = s.span_id
                 and c.project_id = any(:project_ids)
           ) as is_answered
    from spans s
    where s.trace_id = any(cast(:trace_ids as uuid[])) and s.project_id = :project_id
      and s.op = 'http.client'
    limit :most
    """
)
_DATA: Final = text(
    """
    select data from spans
    where trace_id = cast(:trace_id as uuid) and span_id = :span_id
      and project_id = any(:project_ids)
    order by project_id limit 1
    """
)
_TRACES: Final = text(
    """
    select replay_id, trace_id from transactions
    where replay_id = any(cast(:replay_ids as uuid[])) and trace_id is not null
      and project_id = any(:project_ids)
    union
    select replay_id, trace_id from spans
    where replay_id = any(cast(:replay_ids as uuid[])) and project_id = any(:project_ids)
    """
)


@dataclass(frozen=True, slots=True)
class Request:
    """A request of an app, and whether a span of a service names it as its parent."""

    description: str | None
    is_answered: bool


async def transactions_of(
    connection: AsyncConnection, window: ReplayWindow, project_ids: Sequence[ProjectId]
) -> list[StoredTransaction]:
    """Read the transactions of one replay in the order of their start."""
    parameters = sql_windows.parameters([window], project_ids)
    found = await connection.execute(_TRANSACTIONS, {**parameters, "most": _MOST})
    return [_transaction(row) for row in found]


async def spans_of(
    connection: AsyncConnection, window: ReplayWindow, project_ids: Sequence[ProjectId]
) -> list[StoredSpan]:
    """Read the spans of one replay in the order of their start."""
    parameters = sql_windows.parameters([window], project_ids)
    found = await connection.execute(_SPANS, {**parameters, "most": _MOST})
    return [_span(row) for row in found]


async def replays_in_trace(
    connection: AsyncConnection, trace_id: TraceId, project_ids: Sequence[ProjectId]
) -> set[ReplayId]:
    """Return the replays that spans of a trace name; the first 1,000."""
    found = await connection.scalars(
        _IN_TRACE, {"trace_id": trace_id, "project_ids": list(project_ids)}
    )
    return {ReplayId(replay_id.hex) for replay_id in found}


async def spans_in_trace(
    connection: AsyncConnection, trace_id: TraceId, project_ids: Sequence[ProjectId]
) -> list[StoredSpan]:
    """Read the spans of a trace in the order of their start; the first 10,000."""
    found = await connection.execute(
        _SPANS_IN_TRACE,
        {"trace_id": trace_id, "project_ids": list(project_ids), "most": MOST_IN_TRACE},
    )
    return [_span(row) for row in found]


async def transactions_in_trace(
    connection: AsyncConnection, trace_id: TraceId, project_ids: Sequence[ProjectId]
) -> list[StoredTransaction]:
    """Read the transactions of a trace in the order of their start."""
    found = await connection.execute(
        _TRANSACTIONS_IN_TRACE,
        {"trace_id": trace_id, "project_ids": list(project_ids), "most": _MOST},
    )
    return [_transaction(row) for row in found]


async def requests_of(
    connection: AsyncConnection,
    project_id: ProjectId,
    trace_ids: Sequence[TraceId],
    project_ids: Sequence[ProjectId],
) -> list[Request]:
    """Read requests that a project's app made in some traces; 500 at most, in no order."""
    found = await connection.execute(
        _REQUESTS,
        {
            "project_id": project_id,
            "trace_ids": list(trace_ids),
            "project_ids": list(project_ids),
            "most": _MOST_REQUESTS,
        },
    )
    return [Request(row.description, row.is_answered) for row in found]


async def data_of(
    connection: AsyncConnection,
    trace_id: TraceId,
    span_id: SpanId,
    project_ids: Sequence[ProjectId],
) -> bytes | None:
    """Read what a span says of itself, as zstd JSON; None if there is no such span."""
    found = await connection.scalar(
        _DATA, {"trace_id": trace_id, "span_id": span_id, "project_ids": list(project_ids)}
    )
    return bytes(found) if found is not None else None


async def traces_of(
    connection: AsyncConnection,
    replay_ids: Sequence[ReplayId],
    project_ids: Sequence[ProjectId],
) -> dict[ReplayId, set[TraceId]]:
    """Read the trace ids of transactions and spans that name one of these replays."""
    found = await connection.execute(
        _TRACES, {"replay_ids": list(replay_ids), "project_ids": list(project_ids)}
    )
    return sql_windows.traces_by_replay(found)


def _transaction(row: Row[Any]) -> StoredTransaction:
    return StoredTransaction(
        project_id=ProjectId(row.project_id),
        event_id=EventId(row.event_id.hex),
        started_at=row.started_at,
        ended_at=row.ended_at,
        drift_ms=row.drift_ms,
        name=row.name,
        op=row.op,
        status=row.status,
        platform=row.platform,
        trace_id=TraceId(row.trace_id.hex) if row.trace_id else None,
        replay_id=ReplayId(row.replay_id.hex) if row.replay_id else None,
        spans=row.spans,
    )


def _span(row: Row[Any]) -> StoredSpan:
    return StoredSpan(
        project_id=ProjectId(row.project_id),
        trace_id=TraceId(row.trace_id.hex),
        span_id=SpanId(row.span_id),
        parent_span_id=SpanId(row.parent_span_id) if row.parent_span_id else None,
        transaction_id=EventId(row.transaction_id.hex) if row.transaction_id else None,
        is_segment=row.is_segment,
        started_at=row.started_at,
        ended_at=row.ended_at,
        drift_ms=row.drift_ms,
        op=row.op,
        description=row.description,
        status=row.status,
        service=row.service,
        replay_id=ReplayId(row.replay_id.hex) if row.replay_id else None,
    )
