"""Groups events that an older release stored without an issue.

A step is one transaction, which locks the events that it groups, so several processes may work at
once and none counts an event twice.
"""

import asyncio
from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import bindparam, select, update
from sqlalchemy.engine import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.ids import EventId, ProjectId
from app.formats.stored import packed_json
from app.issues.counts import counting
from app.issues.events.event_rows import to_new_event
from app.issues.grouping import rules
from app.issues.model import NewEvent
from app.issues.tables import events

_STEP: Final = 200


async def group_stored_events(
    connection: AsyncConnection, *, limit: int = _STEP
) -> list[tuple[ProjectId, EventId]]:
    """Group some events that have no issue.

    Returns:
        The keys of the grouped events; fewer than `limit` if no further events are left.
    """
    rows = await connection.execute(
        select(events)
        .where(events.c.issue_id.is_(None))
        .order_by(events.c.project_id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    new = await asyncio.to_thread(_read_events, rows.all())
    if not new:
        return []
    issue_ids = await counting.choose_issues(connection, new)
    await connection.execute(
        update(events)
        .where(events.c.project_id == bindparam("project"), events.c.event_id == bindparam("event"))
        .values(issue_id=bindparam("issue")),
        [
            {"project": event.project_id, "event": event.event_id, "issue": issue_id}
            for event, issue_id in zip(new, issue_ids, strict=True)
        ],
    )
    await counting.count_events(connection, [*zip(new, issue_ids, strict=True)])
    return [(event.project_id, event.event_id) for event in new]


def _read_events(rows: Sequence[Row[Any]]) -> list[NewEvent]:
    return [_to_new_event(row) for row in rows]


def _to_new_event(row: Row[Any]) -> NewEvent:
    """Turn a stored event into a new one; its title groups it if it cannot be unpacked."""
    try:
        sent = packed_json.unpack_json(row.payload)
    except ValueError:
        sent = None
    return to_new_event(
        row,
        payload=row.payload,
        issue_ids=rules.read_issue_keys(sent if isinstance(sent, dict) else {"message": row.title}),
    )
