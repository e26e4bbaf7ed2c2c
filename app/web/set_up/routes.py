"""The set-up page of a project."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from app.administration.projects.project_set_up import read_project_set_up
from app.web.frame import access, answer
from app.web.frame.dsn import write_active_dsn
from app.web.frame.services import services_of
from app.web.set_up.build import build_set_up_page
from app.web.urls import project_urls
from app.web.urls.routing import route_to

router = APIRouter()


@router.get(route_to(project_urls.set_up))
async def show_set_up(request: Request, project_access: access.CurrentProject) -> Response:
    """Show how to point apps and services at a project, and what has come of it so far."""
    services = services_of(request)
    set_up = await read_project_set_up(services.db, project_access)
    dsn = write_active_dsn(services, set_up.active_key)
    page = build_set_up_page(project_access, dsn, set_up.facts, base_url=services.settings.base_url)
    return await answer.render_page(request, "set_up/page.html", page)
