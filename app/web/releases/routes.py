"""The releases of a project: their sessions, how many crashed, their commits and deploys."""

from datetime import timedelta

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from app.core import clock
from app.triage.release_health import read_release_health
from app.web.frame import access, answer
from app.web.frame.services import services_of
from app.web.releases.build import DAYS, build_releases_page
from app.web.urls import project_urls
from app.web.urls.routing import route_to

router = APIRouter()


@router.get(route_to(project_urls.releases))
async def show_releases(
    request: Request, project_access: access.CurrentProject, environment: str = ""
) -> Response:
    """Show the releases of a project: their last two weeks of sessions, commits and deploys."""
    now = clock.now()
    since = (now - timedelta(days=DAYS - 1)).date()
    health = await read_release_health(
        services_of(request).db, project_access.project.id, since=since
    )
    page = build_releases_page(project_access.project, health, environment=environment, now=now)
    return await answer.render_page(request, "releases/page.html", page)
