"""Reads: the spans that belong to a replay or a trace.

Blocks are found by replay, trace and time in Postgres; what of them is meant is told span by span.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import BigInteger, TextClause, Uuid, bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.ids import ProjectId, SpanId, TraceId
from app.core.windows import ReplayWindow
from app.db import windows as sql_windows
from app.formats.jsonish import JsonObject
from app.traces import blocks
from app.traces.model import StoredSpan

_MOST: Final = 5_000
"""Spans of one replay at most."""
_MOST_REQUESTS: Final = 500
_MOST_ASKED: Final = 5_000
"""Spans that are read to tell which requests were answered."""
MOST_IN_TRACE: Final = 10_000
"""Spans of one trace on its own page at most."""
_PART: Final = 200
"""Blocks of a trace that are searched for one span at a time."""

_OF_REPLAY: Final = sql_windows.statement(
    f"""
    with {sql_windows.WINDOWS},
    keys as (
        select b.project_id, b.block_id
        from windows w join span_blocks b on b.replay_id = w.replay_id
        where b.project_id = any(:project_ids)
        union
        select project_id, block_id
        from ({sql_windows.by_trace("span_blocks", "x.project_id, x.block_id", lasts=True)}) linked
    ),
    first as (
        select project_id, block_id,
               sum(b.spans) over (order by b.started_at, b.block_id) - b.spans as before
        from keys join span_blocks b using (project_id, block_id)
    )
    select {blocks.COLUMNS}
    from first join span_blocks b using (project_id, block_id)
    where first.before < :most
    """  # noqa: S608 - joined from constants
)


def _statement(sql: str) -> TextClause:
    return text(sql).bindparams(bindparam("project_ids", type_=ARRAY(BigInteger)))


_OF_TRACE: Final = _statement(
    f"""
    with first as (
        select project_id, block_id,
               sum(b.spans) over (order by b.started_at, b.block_id) - b.spans as before
        from span_blocks b
        where b.trace_id = cast(:trace_id as uuid) and b.project_id = any(:project_ids)
    )
    select {blocks.COLUMNS}
    from first join span_blocks b using (project_id, block_id)
    where first.before < :most
    """  # noqa: S608 - joined from constants
)
_PART_OF_TRACE: Final = _statement(
    f"""
    select {blocks.COLUMNS} from span_blocks b
    where b.trace_id = cast(:trace_id as uuid) and b.project_id = any(:project_ids)
    order by b.received_at, b.block_id
    limit :part offset :first
    """  # noqa: S608 - joined from constants
)
_OF_TRACES: Final = _statement(
    f"""
    with sized as (
        select trace_id, sum(spans) as spans from span_blocks
        where trace_id = any(:trace_ids) and project_id = any(:project_ids)
        group by trace_id
    ),
    taken as (
        select trace_id, sum(spans) over (order by spans, trace_id) as so_far from sized
    )
    select {blocks.COLUMNS}
    from taken join span_blocks b using (trace_id)
    where taken.so_far <= :most and b.project_id = any(:project_ids)
    """  # noqa: S608 - joined from constants
).bindparams(bindparam("trace_ids", type_=ARRAY(Uuid(as_uuid=False))))


@dataclass(frozen=True, slots=True)
class Request:
    """A request of an app, and whether a span of a service names it as its parent."""

    description: str | None
    is_answered: bool


async def spans_of(
    connection: AsyncConnection, window: ReplayWindow, project_ids: Sequence[ProjectId]
) -> list[StoredSpan]:
    """Read the spans of one replay in the order of their start; the first 5,000."""
    parameters: dict[str, Any] = sql_windows.parameters([window], project_ids) | {"most": _MOST}
    found = await connection.execute(_OF_REPLAY, parameters)
    return await blocks.spans(
        found.all(),
        most=_MOST,
        is_wanted=lambda span: (
            span.replay_id == window.replay_id
            or window.is_touched(span.started_at, span.ended_at, span.drift_ms)
        ),
    )


async def spans_in_trace(
    connection: AsyncConnection, trace_id: TraceId, project_ids: Sequence[ProjectId]
) -> list[StoredSpan]:
    """Read the spans of a trace in the order of their start; the first 10,000."""
    found = await connection.execute(
        _OF_TRACE,
        {"trace_id": trace_id, "project_ids": list(project_ids), "most": MOST_IN_TRACE},
    )
    return await blocks.spans(found.all(), most=MOST_IN_TRACE)


async def requests_of(
    connection: AsyncConnection,
    project_id: ProjectId,
    trace_ids: Sequence[TraceId],
    project_ids: Sequence[ProjectId],
) -> list[Request]:
    """Read requests that a project's app made in some traces; 500 at most.

    Of the traces those with the fewest spans are looked at, as many as 5,000 spans allow.
    """
    spans = await spans_of_traces(connection, trace_ids, project_ids)
    answered = {(span.trace_id, span.parent_span_id) for span in spans}
    return [
        Request(span.description, (span.trace_id, span.span_id) in answered)
        for span in spans
        if span.project_id == project_id and span.op == "http.client"
    ][:_MOST_REQUESTS]


async def spans_of_traces(
    connection: AsyncConnection, trace_ids: Sequence[TraceId], project_ids: Sequence[ProjectId]
) -> list[StoredSpan]:
    """Read the spans of some traces; the traces with the fewest, as many as 5,000 spans allow."""
    found = await connection.execute(
        _OF_TRACES,
        {"trace_ids": list(trace_ids), "project_ids": list(project_ids), "most": _MOST_ASKED},
    )
    return await blocks.spans(found.all(), most=_MOST_ASKED)


async def data_of(
    connection: AsyncConnection,
    trace_id: TraceId,
    span_id: SpanId,
    project_ids: Sequence[ProjectId],
) -> JsonObject | None:
    """Read what a span says of itself; None if there is no such span."""
    wanted: dict[str, Any] = {
        "trace_id": trace_id,
        "project_ids": list(project_ids),
        "part": _PART,
        "first": 0,
    }
    while rows := (await connection.execute(_PART_OF_TRACE, wanted)).all():
        for row in rows:
            data = await asyncio.to_thread(blocks.data_of, row, span_id)
            if data is not None:
                return data
        wanted["first"] += _PART
    return None
