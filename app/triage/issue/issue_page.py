"""Reads the page of an issue: when it happened, in which releases, and one of its events."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from app.audit import writes as audit
from app.audit.model import Action
from app.core import clock
from app.core.ids import EventId, ProjectId
from app.core.ticket_address import KeptTicket
from app.db.engine import Database
from app.db.list_slices import ListSlice
from app.formats import bodies
from app.formats.events.view_hierarchy import HierarchyView
from app.formats.stored import packed_json
from app.issues import queries as issues
from app.issues.events import event_queries
from app.issues.model import IssueKey, StoredEvent
from app.issues.tickets import list_issue_tickets
from app.memberships import queries as memberships
from app.symbolication.model import unpack_symbolicated
from app.triage.event.issue_event import IssueEvent, read_issue_event
from app.triage.event.view_hierarchies import read_view_hierarchy
from app.triage.issue.expired_issues import explain_event_elsewhere, explain_missing_event
from app.triage.issue.issue_reader import IssueReader, IssueSummary, read_summary
from app.triage.issue.tag_counts import TagSpread, count_tags

_SAMPLES: Final = 100
"""Events over which tags are counted."""
_MONTH: Final = timedelta(days=31)


@dataclass(frozen=True, slots=True)
class IssuePageData:
    """An issue with one of its events."""

    summary: IssueSummary
    event: IssueEvent | None
    """None if the issue has no events any more."""
    hierarchy: tuple[HierarchyView, ...]
    """The views that were on the screen when the event happened, if they were sent."""
    events_by_hour: Mapping[datetime, int]
    """The number of events in each hour (UTC) of the last month; hours without any are left out."""
    releases: ListSlice[str]
    tags: tuple[TagSpread, ...]
    hidden_tags: int
    """The number of further tags of the events."""
    tagged_events: int
    """The number of events over which the tags are counted."""
    read_at: datetime
    tickets: tuple[KeptTicket, ...] = ()
    """The tickets that are kept with it."""


async def read_issue_page(
    reader: IssueReader,
    *,
    event_id: EventId | None,
    first_release: int = 0,
    first_file: int = 0,
    is_as_sent: bool = False,
    is_noted: bool = True,
) -> IssuePageData:
    """Read what the page of an issue shows.

    Args:
        reader: The person who reads, and the issue.
        event_id: The event to show, or None for the newest one.
        first_release: Number of releases to skip.
        first_file: Number of files to skip.
        is_as_sent: True if the views keep the names that the app sent.
        is_noted: True if the log gains a line; False for a caller that adds another one.

    Raises:
        NotFound: There is no such issue, or it has no such event.
    """
    now, key = clock.now(), reader.key
    async with reader.db.reading() as connection:
        visible_ids = await memberships.list_project_ids(connection, reader.person)
        summary = await read_summary(connection, reader, visible_ids)
        stored = await _find_event(connection, key, event_id)
        closed = await memberships.find_projects_without_bodies(
            connection, reader.person, [reader.project]
        )
        if stored and closed:
            stored = await asyncio.to_thread(_hide_bodies, stored)
        counts = await issues.count_events_over_time(connection, [key], now - _MONTH, "hour")
        releases = await issues.read_releases(connection, key, first=first_release)
        tickets = await list_issue_tickets(connection, key)
        samples = await event_queries.read_sample_payloads(connection, key, limit=_SAMPLES)
        event = (
            await read_issue_event(connection, reader, stored, visible_ids, first_file=first_file)
            if stored
            else None
        )
    if is_noted:
        await _note_view(reader, event)
    tags, hidden_tags = await asyncio.to_thread(count_tags, samples)
    return IssuePageData(
        summary=summary,
        event=event,
        hierarchy=await _read_views(reader, event, is_as_sent=is_as_sent) if event else (),
        events_by_hour=counts[key],
        releases=releases,
        tags=tags,
        hidden_tags=hidden_tags,
        tagged_events=len(samples),
        read_at=now,
        tickets=tuple(tickets),
    )


async def _read_views(
    reader: IssueReader, event: IssueEvent, *, is_as_sent: bool
) -> tuple[HierarchyView, ...]:
    symbolicated = unpack_symbolicated(event.event.symbolicated)
    clear_names = {} if is_as_sent else symbolicated.view_types
    return await read_view_hierarchy(reader.store, event.hierarchy_file, clear_names)


async def _note_view(reader: IssueReader, event: IssueEvent | None) -> None:
    """Record who has looked at an issue, and at which of its events."""
    async with reader.db.transaction() as connection:
        await audit.add_audit_line(
            connection,
            Action.ISSUE_VIEWED,
            person_id=reader.person.id,
            project_id=reader.project.id,
            subject=reader.issue_id,
            detail={"event": event.event.event_id} if event else None,
        )


async def find_issue_of_event(db: Database, project_id: ProjectId, event_id: EventId) -> IssueKey:
    """Find the issue to which an event belongs.

    Raises:
        NotFound: There is no such event, or it has no issue yet.
    """
    async with db.reading() as connection:
        issue_id = await event_queries.find_issue_of_event(connection, project_id, event_id)
        if issue_id is None:
            raise await explain_missing_event(connection, project_id)
    return project_id, issue_id


def _hide_bodies(event: StoredEvent) -> StoredEvent:
    """Take the bodies of requests and answers out of what was sent with an event."""
    sent = packed_json.unpack_object(event.payload)
    return replace(event, payload=packed_json.pack_json(bodies.hide_bodies(sent)))


async def _find_event(
    connection: AsyncConnection, key: IssueKey, event_id: EventId | None
) -> StoredEvent | None:
    """Read the event with an id, or the newest one.

    Raises:
        NotFound: The issue has no such event.
    """
    if event_id is None:
        return next(iter(await event_queries.read_newest_events(connection, key, limit=1)), None)
    event = await event_queries.find_event(connection, key, event_id)
    if event is None:
        raise await explain_event_elsewhere(connection, key, event_id)
    return event
