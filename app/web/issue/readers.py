"""Reads from a request who asks about which issue, and about which of its events."""

from starlette.requests import Request

from app.core import ids
from app.core.errors import NotFound
from app.core.ids import EventId, IssueId
from app.memberships.model import ProjectAccess
from app.triage.issue.issue_reader import IssueReader
from app.web.frame.services import services_of


def read_event_id(value: str) -> EventId:
    """Read the event id of an address.

    Raises:
        NotFound: It is not an id, so there is no such event.
    """
    event_id = ids.read_hex32(value)
    if event_id is None:
        raise NotFound("no event has such an id")
    return EventId(event_id)


def find_issue_reader(
    request: Request, project_access: ProjectAccess, issue_id: str
) -> IssueReader:
    """Return who reads about which issue.

    Raises:
        NotFound: The address does not hold an id, so there is no such issue.
    """
    found = ids.read_hex32(issue_id)
    if found is None:
        raise NotFound("no issue has such an id")
    services = services_of(request)
    return IssueReader(
        services.db,
        services.store,
        services.index_cache,
        project_access.person,
        project_access.project,
        IssueId(found),
    )
