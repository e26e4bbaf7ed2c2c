"""Locks of issues and events, for somebody who tells of them while they may be erased or moved.

Whoever erases an issue or an event deletes its row, and whoever moves an event updates it. Both
wait for these locks, which are held to the end of their transaction and which digest never waits
for.
"""

from collections.abc import Collection

from sqlalchemy import select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.ids import EventId, IssueId, ProjectId
from app.issues.model import IssueKey
from app.issues.tables import events, issues


async def lock_living_issues(
    connection: AsyncConnection, keys: Collection[IssueKey]
) -> set[IssueKey]:
    """Keep issues from being erased; returns those that are here."""
    if not keys:
        return set()
    rows = await connection.execute(
        select(issues.c.project_id, issues.c.issue_id)
        .where(tuple_(issues.c.project_id, issues.c.issue_id).in_(sorted(keys)))
        .order_by(issues.c.issue_id)
        .with_for_update(read=True, key_share=True)
    )
    return {(ProjectId(row.project_id), IssueId(row.issue_id)) for row in rows}


async def lock_living_events(
    connection: AsyncConnection, keys: Collection[tuple[ProjectId, EventId]]
) -> dict[tuple[ProjectId, EventId], IssueId | None]:
    """Keep events from being erased and from moving; returns those that are here.

    Lock issues before their events, as others do.

    Returns:
        The issue of each event; None for one that is not grouped yet.
    """
    if not keys:
        return {}
    rows = await connection.execute(
        select(events.c.project_id, events.c.event_id, events.c.issue_id)
        .where(tuple_(events.c.project_id, events.c.event_id).in_(sorted(keys)))
        .order_by(events.c.event_id)
        .with_for_update(read=True)
    )
    return {
        (ProjectId(row.project_id), EventId(row.event_id)): row.issue_id and IssueId(row.issue_id)
        for row in rows
    }
