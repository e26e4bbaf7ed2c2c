"""Queries of the errors of a trace, which its page marks on the spans; their payloads are not read.

Of more errors than are read at once, those that matter most come first, as in `replay_events`. Of
more than can be ranked together, those of an earlier stretch of time come before those of a later.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from sqlalchemy import BigInteger, DateTime, Text, Uuid, bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.engine import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.ids import EventId, IssueId, ProjectId, ReplayId, SpanId, TraceId
from app.formats.events.event import BACKEND_PLATFORMS, CRASHES, HANGS
from app.issues.events.replay_events import BEFORE_ALL, EventPlace, locate_event

PART_EVENTS: Final = 1_000
"""Errors of one trace that are read at once."""
MOST_RANKED: Final = 20_000
"""Errors of one trace that are ranked together, which bounds what a page costs.

The earliest come first, then as many that follow them in time, and so on.
"""
_RANKS: Final = 3
"""The number of ranks that `_IN_TRACE` gives to the errors of one stretch of time."""

_COLUMNS: Final = """
    e.project_id, e.event_id, e.trace_id, e.span_id, e.parent_span_id, e.at, e.drift_ms, e.title,
    e.kind, e.platform, e.replay_id, e.issue_id
"""
_IN_TRACE: Final = text(
    f"""
    with earliest as (
        select project_id, event_id, day, at, kind, platform,
               row_number() over (order by at, project_id, event_id) as place
        from events
        where trace_id = cast(:trace_id as uuid) and project_id = any(:project_ids)
        order by at, project_id, event_id
        limit :most_ranked * (:stretch + 1) + 1
    ),
    ranked as (
        select project_id, event_id, day, at, place,
               {_RANKS} * ((place - 1) / :most_ranked)
               + case when kind = any(:urgent_kinds) then 0
                      when platform = any(:backend_platforms) then 1
                      else 2 end as rank
        from earliest
    ),
    numbered as (
        select *, row_number() over (order by rank, at, project_id, event_id) as number,
               count(*) over () as total
        from ranked
    ),
    part as (
        select * from numbered
        where place <= :most_ranked * (:stretch + 1)
          and (rank, at, project_id, event_id) > (:rank, :at, :after_project, :after_event)
        order by number
        limit :most
    )
    select {_COLUMNS}, p.rank, p.number, p.total
    from part p join events e using (day, project_id, event_id)
    order by p.number
    """  # noqa: S608 - joined from constants
).bindparams(
    bindparam("urgent_kinds", sorted(CRASHES | HANGS), type_=ARRAY(Text)),
    bindparam("backend_platforms", sorted(BACKEND_PLATFORMS), type_=ARRAY(Text)),
    bindparam("project_ids", type_=ARRAY(BigInteger)),
    bindparam("most_ranked", type_=BigInteger),
    bindparam("stretch", type_=BigInteger),
    bindparam("rank", type_=BigInteger),
    bindparam("at", type_=DateTime(timezone=True)),
    bindparam("after_project", type_=BigInteger),
    bindparam("after_event", type_=Uuid(as_uuid=False)),
)
_BY_KEY: Final = text(
    f"""
    select {_COLUMNS}
    from unnest(cast(:projects as bigint[]), cast(:ids as uuid[])) as k (project_id, event_id)
    join events e using (project_id, event_id)
    order by e.at, project_id, event_id
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
    """The errors in the order of their time."""
    total: int
    """The number of errors that were counted."""
    first: int
    """The number of the first error of this part, counted from 1."""
    next_place: EventPlace | None
    """The place after which the next part begins; None if this is the last."""
    is_at_least: bool = False
    """True if the trace has more errors than were counted."""


async def read_trace_events(
    connection: AsyncConnection,
    trace_id: TraceId,
    project_ids: Sequence[ProjectId],
    *,
    after: EventPlace = BEFORE_ALL,
) -> TracedEvents:
    """Read the errors of a trace that matter most, in the order of their time.

    Args:
        connection: The connection to read with.
        trace_id: The trace.
        project_ids: The projects that the reader may see.
        after: The place after which the part begins.
    """
    stretch = max(0, after.rank) // _RANKS
    parameters = {
        "trace_id": trace_id,
        "project_ids": list(project_ids),
        "most_ranked": MOST_RANKED,
        "stretch": stretch,
        "rank": after.rank,
        "at": after.at,
        "after_project": after.project_id,
        "after_event": after.event_id,
        "most": PART_EVENTS,
    }
    rows = (await connection.execute(_IN_TRACE, parameters)).all()
    if not rows:
        return TracedEvents((), total=0, first=1, next_place=None)
    last = rows[-1]
    counted = min(last.total, MOST_RANKED * (stretch + 1))
    next_place = None
    if last.number < counted:
        next_place = locate_event(last)
    elif counted < last.total:
        next_place = replace(BEFORE_ALL, rank=_RANKS * (stretch + 1))
    return TracedEvents(
        tuple(
            _to_traced_event(row) for row in sorted(rows, key=lambda row: (row.at, row.event_id))
        ),
        total=counted,
        first=rows[0].number,
        next_place=next_place,
        is_at_least=counted < last.total,
    )


async def read_events(
    connection: AsyncConnection, keys: Sequence[tuple[ProjectId, EventId]]
) -> list[TracedEvent]:
    """Read some events in the order of their time."""
    if not keys:
        return []
    parameters = {
        "projects": [project_id for project_id, _ in keys],
        "ids": [event_id for _, event_id in keys],
    }
    return [_to_traced_event(row) for row in await connection.execute(_BY_KEY, parameters)]


def _to_traced_event(row: Row[Any]) -> TracedEvent:
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
