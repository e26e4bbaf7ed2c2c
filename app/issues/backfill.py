"""Groups events that were stored without: by a release before grouping, or beside it.

A step takes the oldest of them, whole in one transaction, and locks what it takes: several
processes may work at once, and none counts an event twice.
"""

import asyncio
from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import bindparam, select, update
from sqlalchemy.engine import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.ids import EventId, ProjectId, ReplayId
from app.formats.stored import packed_json
from app.issues import counting
from app.issues.grouping import rules
from app.issues.model import NewEvent
from app.issues.tables import events

_STEP: Final = 200


async def group_stored_events(
    connection: AsyncConnection, *, limit: int = _STEP
) -> list[tuple[ProjectId, EventId]]:
    """Group some events that have no issue.

    Returns:
        Which; fewer than `limit` when nothing is left to do.
    """
    found = await connection.execute(
        select(events)
        .where(events.c.issue_id.is_(None))
        .order_by(events.c.project_id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    new = await asyncio.to_thread(_read_events, found.all())
    if not new:
        return []
    issue_ids = await counting.choose_issues(connection, new)
    await connection.execute(
        update(events)
        .where(events.c.project_id == bindparam("in_project"), events.c.event_id == bindparam("of"))
        .values(issue_id=bindparam("issue")),
        [
            {"in_project": one.project_id, "of": one.event_id, "issue": issue_id}
            for one, issue_id in zip(new, issue_ids, strict=True)
        ],
    )
    await counting.count_events(connection, [*zip(new, issue_ids, strict=True)])
    return [(one.project_id, one.event_id) for one in new]


def _read_events(rows: Sequence[Row[Any]]) -> list[NewEvent]:
    return [_to_new_event(row) for row in rows]


def _to_new_event(row: Row[Any]) -> NewEvent:
    """Read a stored event as it was when it was new; one that cannot be unpacked is grouped too."""
    try:
        sent = packed_json.unpack_json(row.payload)
    except ValueError:
        sent = None
    return NewEvent(
        project_id=ProjectId(row.project_id),
        event_id=EventId(row.event_id),
        received_at=row.received_at,
        at=row.at,
        drift_ms=row.drift_ms,
        level=row.level,
        kind=row.kind,
        title=row.title,
        culprit=row.culprit,
        exception_type=row.exception_type,
        exception_value=row.exception_value,
        handled=row.handled,
        mechanism=row.mechanism,
        platform=row.platform,
        release=row.release,
        environment=row.environment,
        sdk_name=row.sdk_name,
        user=row.recorded_user,
        trace_id=row.trace_id,
        span_id=row.span_id,
        parent_span_id=row.parent_span_id,
        replay_id=ReplayId(row.replay_id) if row.replay_id else None,
        payload=row.payload,
        issue_ids=rules.read_issue_keys(sent if isinstance(sent, dict) else {"message": row.title}),
    )
