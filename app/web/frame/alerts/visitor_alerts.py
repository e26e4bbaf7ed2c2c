"""Finds the alerts about the server that a visitor must see."""

from datetime import datetime

from starlette.requests import Request

from app.administration.projects.project_list import list_visible_projects
from app.core.errors import ServiceUnavailable
from app.ingest.health import IngestHealth
from app.web.frame.access import Visitor
from app.web.frame.alerts import alert
from app.web.frame.alerts.alert import Alert, ProjectQuarantine
from app.web.frame.services import PageServices, services_of
from app.web.urls import project_urls


async def find_alerts(request: Request, visitor: Visitor | None) -> tuple[Alert, ...]:
    """Return the alerts for a visitor; none for somebody who is not signed in."""
    if visitor is None:
        return ()
    services = services_of(request)
    health = services.ingest_monitor.read_health()
    return alert.describe_alerts(
        health,
        await _find_quarantines(services, visitor, health) if health.quarantined else (),
        is_admin=visitor.person.is_admin,
        untrusted_proxy=services.proxies.find_untrusted(),
        signed_in_until=_find_end(visitor),
        closing=services.closer.counts,
        processes=services.heartbeat.list_current(),
        own_id=services.heartbeat.identity.process_id,
        unserved_roles=services.heartbeat.list_unserved_roles(),
    )


def _find_end(visitor: Visitor) -> datetime | None:
    """Return when a sign-in ends whose provider does not answer; None for all others."""
    check = visitor.provider_check
    return None if check is None or check.unanswered_since is None else check.ends_at


async def _find_quarantines(
    services: PageServices, visitor: Visitor, health: IngestHealth
) -> tuple[ProjectQuarantine, ...]:
    """Return the projects of a visitor in which envelopes are quarantined."""
    try:
        visible = await list_visible_projects(services.db, visitor.person)
    except ServiceUnavailable:
        return ()  # The page itself says that the database does not answer.
    return tuple(
        ProjectQuarantine(
            project.name, health.quarantined[project.id], project_urls.quarantine(project.id)
        )
        for project in visible
        if project.id in health.quarantined
    )
