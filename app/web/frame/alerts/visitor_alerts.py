"""Finds out what to tell a visitor about the server, for the banner on every page."""

from starlette.requests import Request

from app.core.errors import ServiceUnavailable
from app.ingest.health import IngestHealth
from app.memberships import queries as memberships
from app.web.frame.access import Visitor
from app.web.frame.alerts import alert
from app.web.frame.alerts.alert import Alert, ProjectQuarantine
from app.web.frame.services import PageServices, services_of
from app.web.urls import project_urls


async def find_alerts(request: Request, visitor: Visitor | None) -> tuple[Alert, ...]:
    """Return what a visitor must know; nothing for somebody who is not signed in."""
    if visitor is None:
        return ()
    here = services_of(request)
    vitals = here.watch.look()
    asides = await _asides(here, visitor, vitals) if vitals.quarantined else ()
    return alert.describe_alerts(
        vitals,
        asides,
        is_admin=visitor.person.is_admin,
        untrusted_proxy=here.proxies.untrusted(),
    )


async def _asides(
    here: PageServices, visitor: Visitor, vitals: IngestHealth
) -> tuple[ProjectQuarantine, ...]:
    try:
        async with here.db.reading() as connection:
            seen = await memberships.list_projects(connection, visitor.person)
    except ServiceUnavailable:
        return ()  # the page says so already
    return tuple(
        ProjectQuarantine(
            project.name, vitals.quarantined[project.id], project_urls.quarantine(project.id)
        )
        for project in seen
        if project.id in vitals.quarantined
    )
