"""Queues stored events because a person asks to symbolicate them again."""

from typing import Final

from app.core.ids import EventId, IssueId, ProjectId
from app.db.engine import Database
from app.issues.events import event_queries
from app.issues.model import EventRowKey
from app.symbolication import waiting

_PART: Final = 2_000
"""Events that are queued in one transaction."""
MOST_EVENTS: Final = 100_000
"""Events that are queued for one request; those of the newest days."""


async def queue_stored_events(
    database: Database,
    project_id: ProjectId,
    *,
    issue_id: IssueId | None = None,
    event_id: EventId | None = None,
) -> int:
    """Queue the events of an issue, or of a project, or one event; a worker does them soon.

    Queueing them twice changes nothing. Events that would not become clearer stay as they are.

    Returns:
        The number of events that were queued.

    Raises:
        ServiceUnavailable: Postgres does not answer.
    """
    queued = 0
    after: EventRowKey | None = None
    while queued < MOST_EVENTS:
        async with database.transaction() as connection:
            keys = await event_queries.list_event_keys(
                connection,
                project_id,
                issue_id=issue_id,
                event_id=event_id,
                after=after,
                limit=_PART,
            )
            await waiting.queue_events(connection, [(project_id, *key) for key in keys])
        queued += len(keys)
        if len(keys) < _PART:
            break
        after = keys[-1]
    return queued
