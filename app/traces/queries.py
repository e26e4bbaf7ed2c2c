"""Reads the spans of a replay or of a trace.

Postgres finds blocks by replay, trace and time; the wanted spans are picked when blocks are read.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import BigInteger, DateTime, TextClause, Uuid, bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.engine import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.ids import ProjectId, SpanId, TraceId
from app.core.replay.replay_window import ReplayWindow
from app.db import windows as sql_windows
from app.formats.jsonish import JsonObject
from app.traces import blocks
from app.traces.model import StoredSpan
from app.traces.parts import BEFORE_ALL, PART_OF_REPLAY, PART_OF_TRACE, BlockPlace

_MOST_REQUESTS: Final = 500
_MOST_SPANS_OF_TRACES: Final = 5_000
"""The most spans of some traces that are read together."""
_BLOCKS_AT_ONCE: Final = 200
"""Blocks of a trace that are read at a time when one span is searched."""


def _write_part_sql(source: str, since: str = "true") -> str:
    """Return the end of a statement that reads a part of some blocks, in the order of start.

    Args:
        source: Joins or filters `span_blocks b`.
        since: The condition about the days of blocks `{0}`.
    """
    return f"""
    numbered as (
        select b.day, b.project_id, b.block_id, b.started_at,
               sum(b.spans) over (order by b.started_at, b.project_id, b.block_id) - b.spans
                   as before,
               sum(b.spans) over () as total
        from {source}
    ),
    rest as (
        select *, before - min(before) over () as skipped from numbered
        where (started_at, project_id, block_id) > (:at, :after_project, :after_block)
    )
    select {blocks.COLUMNS}, b.started_at, rest.before, rest.total
    from rest join span_blocks b using (day, project_id, block_id)
    where rest.skipped < :most and {since.format("b")}
    """  # noqa: S608 - joined from constants


_BY_TRACE: Final = sql_windows.traced_rows(
    "span_blocks",
    "x.day, x.project_id, x.block_id",
    lasts=True,
    only=sql_windows.RECENT_OF_PROJECTS,
)
_OF_KEYS: Final = f"""
    keys join span_blocks b using (day, project_id, block_id) where {sql_windows.SINCE.format("b")}
"""
_PLACE: Final = (
    bindparam("at", type_=DateTime(timezone=True)),
    bindparam("after_project", type_=BigInteger),
    bindparam("after_block", type_=Uuid(as_uuid=False)),
)
_OF_REPLAY: Final = sql_windows.make_window_statement(
    f"""
    with {sql_windows.WINDOWS},
    keys as (
        select b.day, b.project_id, b.block_id
        from windows w join span_blocks b on b.replay_id = w.replay_id
        where b.project_id = any(:project_ids) and {sql_windows.SINCE.format("b")}
        union
        select day, project_id, block_id
        from ({_BY_TRACE}) t
    ),
    {_write_part_sql(_OF_KEYS, sql_windows.SINCE)}
    """  # noqa: S608 - joined from constants
).bindparams(*_PLACE)


def _make_statement(sql: str) -> TextClause:
    return text(sql).bindparams(bindparam("project_ids", type_=ARRAY(BigInteger)))


_OF_TRACE: Final = _make_statement(
    "with "
    + _write_part_sql(
        """span_blocks b
        where b.trace_id = cast(:trace_id as uuid) and b.project_id = any(:project_ids)"""
    )
).bindparams(*_PLACE)
_SEARCHED: Final = _make_statement(
    f"""
    select {blocks.COLUMNS} from span_blocks b
    where b.trace_id = cast(:trace_id as uuid) and b.project_id = any(:project_ids)
    order by b.received_at, b.block_id
    limit :part offset :first
    """  # noqa: S608 - joined from constants
)
_OF_TRACES: Final = sql_windows.make_window_statement(
    f"""
    with {sql_windows.WINDOWS},
    keys as (
        select b.day, b.project_id, b.block_id
        from window_traces t
        join windows w on w.n = t.n
        join span_blocks b on b.trace_id = t.trace_id and b.replay_id = w.replay_id
        where b.project_id = any(:project_ids) and {sql_windows.SINCE.format("b")}
        union
        select day, project_id, block_id
        from ({_BY_TRACE}) t
    ),
    sized as (
        select b.trace_id, sum(b.spans) as spans
        from keys join span_blocks b using (day, project_id, block_id)
        where {sql_windows.SINCE.format("b")}
        group by b.trace_id
    ),
    taken as (
        select trace_id, sum(spans) over (order by spans, trace_id) as so_far from sized
    )
    select {blocks.COLUMNS}
    from keys join span_blocks b using (day, project_id, block_id) join taken using (trace_id)
    where taken.so_far <= :most and {sql_windows.SINCE.format("b")}
    """  # noqa: S608 - joined from constants
)


@dataclass(frozen=True, slots=True)
class RequestSpan:
    """A request of an app, and whether a span of a service names it as its parent."""

    description: str | None
    is_answered: bool


@dataclass(frozen=True, slots=True)
class LinkedSpans:
    """The spans of a replay or a trace, or a part of them if there are too many to be read at once.

    Parts consist of whole blocks, so a transaction is not torn. Numbers count the spans of blocks:
    a span that came twice, or one that lies outside the time of the replay, is among them.
    """

    spans: tuple[StoredSpan, ...]
    """The spans in the order of their start."""
    first: int
    """The number of the first span of this part, counted from 1."""
    total: int
    """The number of all spans."""
    next_place: BlockPlace | None
    """The place after which the next part begins; None if this is the last."""

    @property
    def is_whole(self) -> bool:
        """True if these are all spans."""
        return self.first <= 1 and self.next_place is None


async def read_spans_of_replay(
    connection: AsyncConnection,
    window: ReplayWindow,
    project_ids: Sequence[ProjectId],
    *,
    after: BlockPlace = BEFORE_ALL,
) -> LinkedSpans:
    """Read the spans of one replay in the order of their start; about 5,000 at once.

    Args:
        connection: The connection to read with.
        window: The reach of the replay.
        project_ids: The projects that the reader may see.
        after: The place after which the part begins.
    """
    wanted = sql_windows.make_window_parameters([window], project_ids) | _make_parameters(
        after, PART_OF_REPLAY
    )
    found = await connection.execute(_OF_REPLAY, wanted)
    return await _read_part(
        found.all(),
        is_wanted=lambda span: (
            span.replay_id == window.replay_id
            or window.overlaps(span.started_at, span.ended_at, span.drift_ms)
        ),
    )


async def read_spans_of_trace(
    connection: AsyncConnection,
    trace_id: TraceId,
    project_ids: Sequence[ProjectId],
    *,
    after: BlockPlace = BEFORE_ALL,
) -> LinkedSpans:
    """Read the spans of a trace in the order of their start; about 10,000 at once.

    Args:
        connection: The connection to read with.
        trace_id: The trace.
        project_ids: The projects that the reader may see.
        after: The place after which the part begins.
    """
    wanted = {"trace_id": trace_id, "project_ids": list(project_ids)}
    found = await connection.execute(_OF_TRACE, wanted | _make_parameters(after, PART_OF_TRACE))
    return await _read_part(found.all())


def _make_parameters(after: BlockPlace, limit: int) -> dict[str, Any]:
    return {
        "at": after.at,
        "after_project": after.project_id,
        "after_block": after.block_id,
        "most": limit,
    }


async def _read_part(
    rows: Sequence[Row[Any]], *, is_wanted: blocks.SpanFilter | None = None
) -> LinkedSpans:
    if not rows:
        return LinkedSpans((), first=1, total=0, next_place=None)
    spans = tuple(await blocks.read_spans(rows, is_wanted=is_wanted))
    last = max(rows, key=lambda row: row.before)
    is_last = last.before + last.spans >= last.total
    place = BlockPlace(last.started_at, ProjectId(last.project_id), last.block_id.hex)
    return LinkedSpans(
        spans,
        first=1 + int(min(row.before for row in rows)),
        total=int(last.total),
        next_place=None if is_last else place,
    )


async def read_app_requests(
    connection: AsyncConnection,
    project_id: ProjectId,
    windows: Sequence[ReplayWindow],
    project_ids: Sequence[ProjectId],
) -> list[RequestSpan]:
    """Read requests that a project's app made in the traces of some replays; 500 at most.

    The traces with the fewest spans are looked at, as many as 5,000 spans allow.
    """
    spans = await read_spans_of_traces(connection, windows, project_ids)
    answered = {(span.trace_id, span.parent_span_id) for span in spans}
    return [
        RequestSpan(span.description, (span.trace_id, span.span_id) in answered)
        for span in spans
        if span.project_id == project_id and span.op == "http.client"
    ][:_MOST_REQUESTS]


async def read_spans_of_traces(
    connection: AsyncConnection,
    windows: Sequence[ReplayWindow],
    project_ids: Sequence[ProjectId],
) -> list[StoredSpan]:
    """Read the spans of the traces of some replays, from the time of these replays.

    A trace may live for ever, so the time bounds what is read of it. The traces with the fewest
    spans in that time are read, as many as 5,000 spans allow.

    Args:
        connection: The connection to read with.
        windows: The reaches of the replays, with the traces that are read.
        project_ids: The projects that the reader may see.
    """
    parameters = sql_windows.make_window_parameters(windows, project_ids)
    found = await connection.execute(_OF_TRACES, parameters | {"most": _MOST_SPANS_OF_TRACES})
    return await blocks.read_spans(found.all())


async def find_span_data(
    connection: AsyncConnection,
    trace_id: TraceId,
    span_id: SpanId,
    project_ids: Sequence[ProjectId],
) -> JsonObject | None:
    """Read the data of a span; None if there is no such span."""
    wanted: dict[str, Any] = {
        "trace_id": trace_id,
        "project_ids": list(project_ids),
        "part": _BLOCKS_AT_ONCE,
        "first": 0,
    }
    while rows := (await connection.execute(_SEARCHED, wanted)).all():
        for row in rows:
            data = await asyncio.to_thread(blocks.read_span_data, row, span_id)
            if data is not None:
                return data
        wanted["first"] += _BLOCKS_AT_ONCE
    return None
