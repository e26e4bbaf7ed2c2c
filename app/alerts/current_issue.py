"""Finds the issue to which an event belongs now: symbolication can move it to another one.

signal or finding: issue A, event ─► is the event in A? ─► A
                                 └─► in X, or A replaced by X ─► X; was X known before?
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.ids import EventId, IssueId, ProjectId
from app.issues import queries as issues
from app.issues.events import event_queries
from app.issues.model import Issue, StoredEvent
from app.issues.regrouping import replaced_issues

_TRIES: Final = 3
"""The most attempts: an event may move between two statements, but hardly several times."""


@dataclass(frozen=True, slots=True)
class CurrentIssue:
    """The issue to which an event belongs now."""

    issue: Issue
    event: StoredEvent | None
    """The event that was asked for; None if it no longer exists."""
    is_known: bool
    """True if the event has moved to an issue with an earlier event, which is therefore not new."""


async def find_current_issue(
    connection: AsyncConnection,
    project_id: ProjectId,
    issue_id: IssueId | None,
    event_id: EventId | None,
    readable: Sequence[ProjectId],
) -> CurrentIssue | None:
    """Find the issue of an event, or the issue that has replaced a given one.

    Args:
        connection: The connection to read with.
        project_id: The project of both.
        issue_id: The issue to which the event belonged; None if that was not noted.
        event_id: The event; None to look for the issue alone.
        readable: The projects whose replays the issue counts.

    Returns:
        The issue; None if it and the event are gone.
    """
    for _ in range(_TRIES):
        found_id = None
        if event_id is not None:
            found_id = await event_queries.find_issue_of_event(connection, project_id, event_id)
        event = None
        if found_id is not None and event_id is not None:
            event = await event_queries.find_event(connection, (project_id, found_id), event_id)
        found_id = found_id or issue_id
        if found_id is None:
            return None
        issue = await issues.find_issue(connection, (project_id, found_id), readable)
        if issue is None and event is None:
            successor = await replaced_issues.find_successor(connection, (project_id, found_id))
            if successor is not None:
                issue = await issues.find_issue(connection, (project_id, successor), readable)
        if issue is not None:
            has_moved = issue_id is not None and issue.issue_id != issue_id
            is_known = has_moved and event is not None and await _has_older(connection, event)
            return CurrentIssue(issue, event, is_known)
    return None


async def _has_older(connection: AsyncConnection, event: StoredEvent) -> bool:
    return (await event_queries.find_neighbours(connection, event)).older is not None
