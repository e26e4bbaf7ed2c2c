"""Lets the stack of an event be made readable once more, with the debug files that are here now."""

from app.audit import writes as audit
from app.audit.model import Action
from app.core.errors import NotFound
from app.core.ids import EventId
from app.issues.events import event_queries
from app.symbolication import waiting
from app.triage.issue.issue_reader import IssueReader


async def symbolicate_again(reader: IssueReader, event_id: EventId) -> None:
    """Queue an event for the worker that makes stacks readable, and record who asked for it.

    Raises:
        NotFound: The issue has no such event.
    """
    async with reader.db.transaction() as connection:
        day = await event_queries.find_event_day(connection, reader.key, event_id)
        if day is None:
            raise NotFound("the issue has no such event")
        await waiting.queue_events(connection, [(reader.project.id, event_id, day)])
        await audit.add_audit_line(
            connection,
            Action.EVENT_SYMBOLICATED,
            person_id=reader.person.id,
            project_id=reader.project.id,
            subject=event_id,
        )
