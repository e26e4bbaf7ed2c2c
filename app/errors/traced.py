"""Reads: errors as marks on the spans of a trace, without their payloads.

Of more errors than are read at once, those that matter most come first, as in `queries`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import BigInteger, DateTime, SmallInteger, Text, Uuid, bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.engine import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.ids import EventId, IssueId, ProjectId, ReplayId, SpanId, TraceId
from app.errors.queries import BEFORE_ALL, EventPlace, place_of
from app.formats.event import BACKEND_PLATFORMS, CRASHES, HANGS

PART_EVENTS: Final = 1_000
"""Errors of one trace that are read at once."""
MOST_RANKED: Final = 20_000
"""Errors of one trace that are looked at, the earliest, which bounds what a page costs."""

_COLUMNS: Final = """
    e.project_id, e.event_id, e.trace_id, e.span_id, e.parent_span_id, e.at, e.drift_ms, e.title,
    e.kind, e.platform, e.replay_id, e.issue_id
"""
_IN_TRACE: Final = text(
    f"""
    with ranked as (
        select e.*, case when e.kind = any(:urgent_kinds) then 0
                         when e.platform = any(:backend_platforms) then 1
                         else 2 end as rank
        from events e
        where e.trace_id = cast(:trace_id as uuid) and e.project_id = any(:project_ids)
        order by e.at
        limit {MOST_RANKED}
    ),
    numbered as (
        select *, row_number() over (order by rank, at, project_id, event_id) as number,
               count(*) over () as total
        from ranked
    )
    select {_COLUMNS}, e.rank, e.number, e.total
    from numbered e
    where (e.rank, e.at, e.project_id, e.event_id) > (:rank, :at, :after_project, :after_event)
    order by e.number
    limit :most
    """  # noqa: S608 - joined from constants
).bindparams(
    bindparam("urgent_kinds", sorted(CRASHES | HANGS), type_=ARRAY(Text)),
    bindparam("backend_platforms", sorted(BACKEND_PLATFORMS), type_=ARRAY(Text)),
    bindparam("project_ids", type_=ARRAY(BigInteger)),
    bindparam("rank", type_=SmallInteger),
    bindparam("at", type_=DateTime(timezone=True)),
    bindparam("after_project", type_=BigInteger),
    bindparam("after_event", type_=Uuid(as_uuid=False)),
)
_BY_KEY: Final = text(
    f"""
    select {_COLUMNS}
    from unnest(cast(:projects as bigint[]), cast(:ids as uuid[])) as k (project_id, event_id)
    join events e using (project_id, event_id)
    order by e.at
    """  # noqa: S608 - joined from constants
)


@dataclass(frozen=True, slots=True)
class TracedEvent:
    """An event and the span it happened in."""

    project_id: ProjectId
    event_id: EventId
    trace_id: TraceId | None
    span_id: SpanId | None
    at: datetime
    drift_ms: int
    title: str
    kind: str
    platform: str | None
    replay_id: ReplayId | None
    issue_id: IssueId | None = None
    parent_span_id: SpanId | None = None


@dataclass(frozen=True, slots=True)
class TracedEvents:
    """The errors of a trace, or a part of them if there are too many to be read at once."""

    events: tuple[TracedEvent, ...]
    """In the order of their time."""
    total: int
    """How many errors the trace has; from `MOST_RANKED` on there may be more."""
    first: int
    """The number of the first error of this part, counted from 1."""
    next_place: EventPlace | None
    """The place after which the next part begins; None if this is the last."""


async def in_trace(
    connection: AsyncConnection,
    trace_id: TraceId,
    project_ids: Sequence[ProjectId],
    *,
    after: EventPlace = BEFORE_ALL,
) -> TracedEvents:
    """Read the errors of a trace that matter most, in the order of their time.

    Args:
        connection: Where to read.
        trace_id: The trace.
        project_ids: The projects that the reader may see.
        after: The place after which the part begins.
    """
    wanted = {
        "trace_id": trace_id,
        "project_ids": list(project_ids),
        "rank": after.rank,
        "at": after.at,
        "after_project": after.project_id,
        "after_event": after.event_id,
        "most": PART_EVENTS,
    }
    rows = (await connection.execute(_IN_TRACE, wanted)).all()
    if not rows:
        return TracedEvents((), total=0, first=1, next_place=None)
    last = rows[-1]
    return TracedEvents(
        tuple(_event(row) for row in sorted(rows, key=lambda row: (row.at, row.event_id))),
        total=last.total,
        first=rows[0].number,
        next_place=place_of(last) if last.number < last.total else None,
    )


async def by_key(
    connection: AsyncConnection, keys: Sequence[tuple[ProjectId, EventId]]
) -> list[TracedEvent]:
    """Read some events in the order of their time."""
    if not keys:
        return []
    parameters = {
        "projects": [project_id for project_id, _ in keys],
        "ids": [event_id for _, event_id in keys],
    }
    return [_event(row) for row in await connection.execute(_BY_KEY, parameters)]


def _event(row: Row[Any]) -> TracedEvent:
    return TracedEvent(
        project_id=ProjectId(row.project_id),
        event_id=EventId(row.event_id.hex),
        trace_id=TraceId(row.trace_id.hex) if row.trace_id else None,
        span_id=SpanId(row.span_id) if row.span_id else None,
        at=row.at,
        drift_ms=row.drift_ms,
        title=row.title,
        kind=row.kind,
        platform=row.platform,
        replay_id=ReplayId(row.replay_id.hex) if row.replay_id else None,
        issue_id=IssueId(row.issue_id.hex) if row.issue_id is not None else None,
        parent_span_id=SpanId(row.parent_span_id) if row.parent_span_id else None,
    )
