"""Has stored events of a project symbolicated again, and records who asked for it."""

from app.audit import writes as audit
from app.audit.model import Action
from app.core.ids import EventId, IssueId, PersonId, ProjectId
from app.db.engine import Database
from app.symbolication.redo.ask import queue_stored_events


async def symbolicate_events(
    database: Database,
    project_id: ProjectId,
    *,
    issue_id: IssueId | None = None,
    event_id: EventId | None = None,
    person_id: PersonId | None,
) -> int:
    """Queue events for the worker that makes stacks readable.

    Args:
        database: The database.
        project_id: Their project.
        issue_id: Their issue; None for all issues.
        event_id: The only event; None for all of them.
        person_id: The person who asks for it; None for a command.

    Returns:
        How many events wait now.
    """
    queued = await queue_stored_events(database, project_id, issue_id=issue_id, event_id=event_id)
    if queued:
        async with database.transaction() as connection:
            await audit.add_audit_line(
                connection,
                Action.EVENTS_SYMBOLICATED,
                person_id=person_id,
                project_id=project_id,
                subject=event_id or issue_id or "",
                detail={"events": queued},
            )
    return queued
