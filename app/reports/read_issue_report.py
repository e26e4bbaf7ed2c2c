"""Reads an issue for its report, with the replay in which its event happened."""

from dataclasses import dataclass
from typing import Final

from app.audit import writes as audit
from app.audit.model import Action
from app.core.errors import NotFound
from app.core.ids import EventId, ProjectId
from app.core.replay.replay_range import ReplayRange
from app.issues.model import StoredEvent
from app.memberships import queries as memberships
from app.playback.visit.model import ReplayPageData
from app.playback.visit.reader import ReplayReader
from app.playback.visit.view_notes import ViewNotes
from app.projects.model import Project
from app.reports.read_report import read_report
from app.reports.tickets.read import ReportTickets, read_issue_tickets
from app.triage.event.issue_event import EventReplay
from app.triage.issue.issue_page import read_issue_page
from app.triage.issue.issue_reader import IssueReader, IssueSummary

_AROUND_MS: Final = 60_000


@dataclass(frozen=True, slots=True)
class ReplayOfEvent:
    """The replay in which an event happened, and when on the player's clock."""

    page: ReplayPageData
    at_ms: int


@dataclass(frozen=True, slots=True)
class IssueReportData:
    """An issue and one of its events, read for a report."""

    summary: IssueSummary
    event: StoredEvent | None
    """None if the issue has no events any more."""
    replay: ReplayOfEvent | None
    """None if the event has none, or it lies outside the part that is stored."""
    tickets: ReportTickets


async def read_issue_report(
    reader: IssueReader,
    event_id: EventId | None,
    *,
    view_notes: ViewNotes,
    taken_as: str | None = None,
) -> IssueReportData:
    """Read an issue for a report about it, and note in the log that somebody sees or takes it.

    Args:
        reader: The person who reads, and the issue.
        event_id: The event that the report describes; None for the newest one.
        view_notes: The notes of views, since the person looks at the replay, too.
        taken_as: The name of the file that the person takes away; None if they only look.

    Raises:
        NotFound: There is no such issue, or it has no such event.
    """
    data = await read_issue_page(reader, event_id=event_id, is_noted=taken_as is None)
    event = data.event
    if taken_as is not None:
        await _note_taken(reader, taken_as)
    replay = None
    if event is not None and event.replay is not None and not event.replay.linked.is_apart:
        replay = await _read_replay(reader, event.replay, view_notes)
    async with reader.db.reading() as connection:
        tickets = await read_issue_tickets(connection, reader.key)
    return IssueReportData(data.summary, event.event if event else None, replay, tickets)


async def _read_replay(
    reader: IssueReader, found: EventReplay, view_notes: ViewNotes
) -> ReplayOfEvent | None:
    key = found.linked.replay.key
    project = await _find_project(reader, key.project_id)
    if project is None:
        return None
    await view_notes.note(reader.db, reader.person, key)
    replay_reader = ReplayReader(
        reader.db, reader.store, reader.index_cache, reader.person, project, key
    )
    at_ms = max(0, found.linked.at_ms - found.zero_ms)
    around = ReplayRange(max(0, at_ms - _AROUND_MS), at_ms + _AROUND_MS)
    try:
        data = await read_report(replay_reader, around)
    except NotFound:
        # It was deleted a moment ago.
        return None
    return ReplayOfEvent(data.page, at_ms)


async def _find_project(reader: IssueReader, project_id: ProjectId) -> Project | None:
    """Find the project of a replay among those that the reader may see."""
    if project_id == reader.project.id:
        return reader.project
    async with reader.db.reading() as connection:
        visible = await memberships.list_projects(connection, reader.person)
    return next((project for project in visible if project.id == project_id), None)


async def _note_taken(reader: IssueReader, what: str) -> None:
    async with reader.db.transaction() as connection:
        await audit.add_audit_line(
            connection,
            Action.ISSUE_DOWNLOADED,
            person_id=reader.person.id,
            project_id=reader.project.id,
            subject=reader.issue_id,
            detail={"what": what},
        )
