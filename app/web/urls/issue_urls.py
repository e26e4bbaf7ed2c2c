"""Addresses of issues, of their events, and of the files of events."""

from urllib.parse import urlencode

from app.core.ids import EventId, IssueId, ProjectId
from app.web.urls.project_urls import project
from app.web.urls.query import with_query


def issue(project_id: ProjectId, issue_id: IssueId) -> str:
    """Return the address of an issue, which shows its newest event."""
    return f"{project(project_id)}/issues/{issue_id}"


def issue_event(
    project_id: ProjectId, issue_id: IssueId, event_id: EventId, *, stack: str = ""
) -> str:
    """Return the address of one event of an issue; `stack` may be `sent` for the stack as sent."""
    path = f"{issue(project_id, issue_id)}/events/{event_id}"
    return f"{with_query(path, {'stack': stack})}#stack" if stack else path


def symbolicate_event(project_id: ProjectId, issue_id: IssueId, event_id: EventId) -> str:
    """Return the address at which POST makes the stack of an event readable once more."""
    return f"{issue_event(project_id, issue_id, event_id)}/symbolicate"


def issue_releases(issue_path: str, *, first: int) -> str:
    """Return the address of the releases on the page of an issue, from a given row on."""
    return f"{issue_path}?{urlencode({'releases': first})}#releases"


def event_files(event_path: str, *, first: int) -> str:
    """Return the address of the files on the page of an event, from a given row on."""
    return f"{event_path}?{urlencode({'files': first})}#files"


def issue_replays(
    project_id: ProjectId, issue_id: IssueId, *, after: str = "", before: str = ""
) -> str:
    """Return the address of a page of the replays of an issue, after or before a place."""
    pairs = {"after": after, "before": before}
    return with_query(f"{issue(project_id, issue_id)}/replays", pairs)


def issue_feedback(
    project_id: ProjectId, issue_id: IssueId, *, after: str = "", before: str = ""
) -> str:
    """Return the address of a page of the feedback about an issue, after or before a place."""
    pairs = {"after": after, "before": before}
    return with_query(f"{issue(project_id, issue_id)}/feedback", pairs)


def issue_status(project_id: ProjectId, issue_id: IssueId) -> str:
    """Return the address at which POST sets the status of an issue."""
    return f"{issue(project_id, issue_id)}/status"


def issue_report(project_id: ProjectId, issue_id: IssueId, *, event_id: str = "") -> str:
    """Return the address of the report of an issue, with its newest event or another one."""
    return with_query(f"{issue(project_id, issue_id)}/report", {"event": event_id})


def issue_report_file(
    project_id: ProjectId, issue_id: IssueId, name: str, *, event_id: str = ""
) -> str:
    """Return the address of one file of the report of an issue, such as `report.md`."""
    return with_query(f"{issue_report(project_id, issue_id)}/{name}", {"event": event_id})


def keep_ticket(project_id: ProjectId, issue_id: IssueId) -> str:
    """Return the address at which POST `url` keeps the address of a ticket with an issue."""
    return f"{issue(project_id, issue_id)}/tickets"


def forget_ticket(project_id: ProjectId, issue_id: IssueId, ticket_id: int) -> str:
    """Return the address at which POST forgets a ticket of an issue."""
    return f"{keep_ticket(project_id, issue_id)}/{ticket_id}/remove"


def event(project_id: ProjectId, event_id: EventId) -> str:
    """Return the address that leads from an event to its page in its issue."""
    return f"{project(project_id)}/events/{event_id}"


def attachment(project_id: ProjectId, event_id: EventId, number: int, *, version: str = "") -> str:
    """Return the address of a file of an event, by its place in the list of its files.

    `version` may be `readable` for a view hierarchy with the clear names of its classes.
    """
    return with_query(f"{event(project_id, event_id)}/files/{number}", {"version": version})


def screenshot(project_id: ProjectId, event_id: EventId, number: int) -> str:
    """Return the address of a picture of an event, decoded and drawn again."""
    return f"{attachment(project_id, event_id, number)}/picture.webp"


def delete_issue(project_id: ProjectId, issue_id: IssueId) -> str:
    """Return the address at which GET asks whether to delete an issue, and POST deletes it."""
    return f"{issue(project_id, issue_id)}/delete"
