"""The state of the server, and the envelopes in quarantine of all projects."""

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from app.administration.server import server_health
from app.core.errors import InvalidInput
from app.web.frame import access, answer
from app.web.frame.access import Visitor
from app.web.frame.services import services_of
from app.web.health.build import build_health_page
from app.web.urls import server_urls
from app.web.urls.routing import route_to
from app.web.words import phrases

router = APIRouter()

_From = Annotated[int, Query(alias="from", ge=0, le=1_000_000)]


@router.get(server_urls.HEALTH)
async def show_health(request: Request, visitor: access.CurrentAdmin, first: _From = 0) -> Response:
    """Show how the server is, and what is in quarantine."""
    return await _show(request, visitor, first=first)


@router.post(route_to(server_urls.retry_quarantined))
async def retry_quarantined(
    request: Request, visitor: access.CurrentAdmin, quarantined_id: access.RowId
) -> Response:
    """Have a quarantined envelope digested again."""
    services = services_of(request)
    try:
        is_done = await server_health.retry_quarantined(
            services.db, visitor.person, services.retrier, quarantined_id
        )
    except InvalidInput as error:
        return await _show(request, visitor, error)
    return answer.redirect(
        server_urls.HEALTH, done="envelope-retried" if is_done else "envelope-asked-for"
    )


@router.post(route_to(server_urls.forget_process))
async def forget_process(
    request: Request, visitor: access.CurrentAdmin, process_id: str
) -> Response:
    """Take a dead process from the list."""
    services = services_of(request)
    try:
        await server_health.forget_process(
            services.db, visitor.person, services.heartbeat, process_id
        )
    except InvalidInput as error:
        return await _show(request, visitor, error)
    return answer.redirect(server_urls.HEALTH, done="process-forgotten")


async def _show(
    request: Request, visitor: Visitor, refusal: InvalidInput | None = None, *, first: int = 0
) -> Response:
    services = services_of(request)
    health = await server_health.read_server_health(
        services.db,
        visitor.person,
        services.ingest_monitor,
        services.read_counts(),
        services.heartbeat,
        first=first,
    )
    page = build_health_page(
        health,
        is_storage_remote=services.settings.storage != "local",
        draws_pictures=services.settings.pictures,
        untrusted_proxy=services.proxies.find_untrusted(),
        problem=phrases.sentence(str(refusal)) if refusal else None,
    )
    status = refusal.status if refusal else 200
    return await answer.render_page(request, "health/page.html", page, status=status)
