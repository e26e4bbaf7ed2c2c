"""Reads one event of a project for programs: with its clear stack, as pages show it."""

from dataclasses import dataclass

from app.audit import writes as audit
from app.audit.model import Action
from app.core.errors import NotFound
from app.core.ids import EventId, ProjectId
from app.db.engine import Database
from app.formats.jsonish import JsonObject
from app.formats.stored import packed_json
from app.issues.events import event_queries
from app.issues.model import StoredEvent
from app.symbolication.model import SymbolicatedEvent, unpack_symbolicated


@dataclass(frozen=True, slots=True)
class ProjectEvent:
    """An event, as it was sent and with what symbolication found out."""

    stored: StoredEvent
    sent: JsonObject
    """The event as it was sent, scrubbed."""
    symbolicated: SymbolicatedEvent

    @property
    def clear(self) -> JsonObject:
        """The event with its clear stack; as it was sent where it has none."""
        return self.symbolicated.apply_to(self.sent)


async def read_project_event(
    database: Database, project_id: ProjectId, event_id: EventId
) -> ProjectEvent:
    """Return an event of a project, whatever its issue.

    Raises:
        NotFound: The project has no such event, or it has expired.
    """
    async with database.reading() as connection:
        stored = await event_queries.find_project_event(connection, project_id, event_id)
    if stored is None:
        raise NotFound(f"the project has no event {event_id}; it may not be stored yet")
    return ProjectEvent(
        stored,
        packed_json.unpack_object(stored.payload),
        unpack_symbolicated(stored.symbolicated),
    )


async def note_reading(
    database: Database, project_id: ProjectId, *, token_id: int, token_name: str
) -> None:
    """Record that a program reads events of a project with its token."""
    async with database.transaction() as connection:
        await audit.add_audit_line(
            connection,
            Action.EVENTS_READ,
            person_id=None,
            project_id=project_id,
            subject=str(token_id),
            detail={"token": token_name},
        )
