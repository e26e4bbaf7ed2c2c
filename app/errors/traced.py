"""Reads: errors as marks on the spans of a trace, without their payloads."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.engine import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.ids import EventId, IssueId, ProjectId, ReplayId, SpanId, TraceId

_MOST: Final = 1_000

_COLUMNS: Final = """
    e.project_id, e.event_id, e.trace_id, e.span_id, e.parent_span_id, e.at, e.drift_ms, e.title,
    e.kind, e.platform, e.replay_id, e.issue_id
"""
_IN_TRACE: Final = text(
    f"""
    select {_COLUMNS} from events e
    where e.trace_id = cast(:trace_id as uuid) and e.project_id = any(:project_ids)
    order by e.at limit :most
    """  # noqa: S608 - joined from constants
)
_BY_KEY: Final = text(
    f"""
    select {_COLUMNS}
    from unnest(cast(:projects as bigint[]), cast(:ids as uuid[])) as k (project_id, event_id)
    join events e using (project_id, event_id)
    order by e.at limit :most
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


async def in_trace(
    connection: AsyncConnection, trace_id: TraceId, project_ids: Sequence[ProjectId]
) -> list[TracedEvent]:
    """Read the events of a trace in the order of their time; the first 1,000."""
    found = await connection.execute(
        _IN_TRACE, {"trace_id": trace_id, "project_ids": list(project_ids), "most": _MOST}
    )
    return [_event(row) for row in found]


async def by_key(
    connection: AsyncConnection, keys: Sequence[tuple[ProjectId, EventId]]
) -> list[TracedEvent]:
    """Read some events, in the order of their time; the first 1,000."""
    if not keys:
        return []
    parameters = {
        "projects": [project_id for project_id, _ in keys],
        "ids": [event_id for _, event_id in keys],
        "most": _MOST,
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
