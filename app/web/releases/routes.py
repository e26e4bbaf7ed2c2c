"""The releases of a project: how many sessions each had, and how many ended in a crash."""

from datetime import timedelta

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from app.core import clock
from app.releases import sessions
from app.web.frame import access, answer
from app.web.frame.services import services_of
from app.web.releases import page as view
from app.web.releases.page import ReleasesPage
from app.web.urls import project_urls

router = APIRouter()


@router.get(f"{project_urls.PROJECTS}/{{project_id}}/releases")
async def show_releases(
    request: Request, inside: access.CurrentProject, environment: str = ""
) -> Response:
    """Show the sessions of each release in the last two weeks."""
    now = clock.now()
    since = (now - timedelta(days=view.DAYS - 1)).date()
    async with services_of(request).db.reading() as connection:
        counts = await sessions.read_session_counts(connection, [inside.project.id], since=since)
    known = view.environments(counts)
    shown = environment if environment in known else ""
    page = ReleasesPage(
        project_id=inside.project.id,
        name=inside.project.name,
        rows=view.rows(counts, environment=shown, now=now),
        environments=known,
        environment=shown,
    )
    return await answer.render_page(request, "project/releases.html", page)
