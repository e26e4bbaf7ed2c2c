"""Finds out what to tell a visitor about the server, for the banner on every page."""

from starlette.requests import Request

from app.core.errors import ServiceUnavailable
from app.ingest.vitals import Vitals
from app.memberships import queries as memberships
from app.web.frame import alerts, house
from app.web.frame.access import Visitor
from app.web.frame.alerts import Alert, Aside
from app.web.frame.house import House
from app.web.urls import project_urls


async def of(request: Request, visitor: Visitor | None) -> tuple[Alert, ...]:
    """Return what a visitor must know; nothing for somebody who is not signed in."""
    if visitor is None:
        return ()
    here = house.of(request)
    vitals = here.watch.look()
    asides = await _asides(here, visitor, vitals) if vitals.quarantined else ()
    return alerts.of(
        vitals,
        asides,
        is_admin=visitor.person.is_admin,
        untrusted_proxy=here.proxies.untrusted(),
    )


async def _asides(here: House, visitor: Visitor, vitals: Vitals) -> tuple[Aside, ...]:
    try:
        async with here.db.reading() as connection:
            seen = await memberships.list_projects(connection, visitor.person)
    except ServiceUnavailable:
        return ()  # the page says so already
    return tuple(
        Aside(project.name, vitals.quarantined[project.id], project_urls.quarantine(project.id))
        for project in seen
        if project.id in vitals.quarantined
    )
