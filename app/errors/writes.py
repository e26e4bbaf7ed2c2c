"""Adding events, and counting them in their issues: the first write of an event id wins."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.ids import EventId, IssueId, ProjectId
from app.db.text import clean, clean_json, clean_or_none
from app.errors import issues
from app.errors.model import NewEvent
from app.errors.tables import events

_TITLE_BYTES = 1_024


async def add_events(
    connection: AsyncConnection, new: Sequence[NewEvent]
) -> set[tuple[ProjectId, EventId]]:
    """Store events that are not there yet, and add them to their issues.

    Returns:
        The keys of those that were stored; the others were duplicates.
    """
    if not new:
        return set()
    issue_ids = await issues.place(connection, new)
    first = {
        (one.project_id, one.event_id): (one, issue_id)
        for one, issue_id in reversed([*zip(new, issue_ids, strict=True)])
    }
    # Sorted, so that two processes lock rows in the same order.
    result = await connection.execute(
        insert(events).on_conflict_do_nothing().returning(events.c.project_id, events.c.event_id),
        [_row(*first[key]) for key in sorted(first)],
    )
    added = {(ProjectId(row.project_id), EventId(row.event_id)) for row in result}
    await issues.add(connection, [first[key] for key in sorted(added)])
    return added


def _row(one: NewEvent, issue_id: IssueId) -> dict[str, Any]:
    return {
        "project_id": one.project_id,
        "event_id": one.event_id,
        "received_at": one.received_at,
        "at": one.at,
        "drift_ms": one.drift_ms,
        "level": one.level,
        "kind": one.kind,
        "title": clean(one.title, limit_bytes=_TITLE_BYTES),
        "culprit": clean_or_none(one.culprit, limit_bytes=_TITLE_BYTES),
        "exception_type": clean_or_none(one.exception_type, limit_bytes=_TITLE_BYTES),
        "exception_value": clean_or_none(one.exception_value, limit_bytes=8 * 1024),
        "handled": one.handled,
        "mechanism": clean_or_none(one.mechanism, limit_bytes=_TITLE_BYTES),
        "platform": clean_or_none(one.platform, limit_bytes=_TITLE_BYTES),
        "release": clean_or_none(one.release, limit_bytes=_TITLE_BYTES),
        "environment": clean_or_none(one.environment, limit_bytes=_TITLE_BYTES),
        "sdk_name": clean_or_none(one.sdk_name, limit_bytes=_TITLE_BYTES),
        "recorded_user": clean_json(dict(one.user)),
        "trace_id": one.trace_id,
        "span_id": one.span_id,
        "replay_id": one.replay_id,
        "payload": one.payload,
        "issue_id": issue_id,
    }
