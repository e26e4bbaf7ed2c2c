"""Projects: the list, a new one, and one project's page."""

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from app.administration.projects.create_project import create_project, require_creator
from app.administration.projects.download_quarantined import download_quarantined
from app.administration.projects.project_list import read_project_list
from app.administration.projects.project_overview import OverviewParts, read_project_overview
from app.core.errors import InvalidInput
from app.memberships.model import ProjectAccess
from app.web.frame import access, answer, forms
from app.web.frame.services import services_of
from app.web.project.build import PART_PROJECTS, build_project_page, build_projects_page
from app.web.project.page import NewProjectPage
from app.web.urls import project_urls
from app.web.urls.routing import route_to
from app.web.words import phrases

router = APIRouter()

_From = Annotated[int, Query(alias="from", ge=0)]
_NAME_CHARS_SHOWN = 200


@router.get(project_urls.PROJECTS)
async def show_projects(
    request: Request, visitor: access.CurrentVisitor, first: _From = 0
) -> Response:
    """List the projects that a person may see, from a given row on."""
    services = services_of(request)
    project_list = await read_project_list(
        services.db, visitor.person, first=first, limit=PART_PROJECTS
    )
    page = build_projects_page(services, visitor.person, project_list, first=first)
    return await answer.render_page(request, "project/list.html", page)


@router.get(project_urls.NEW_PROJECT)
async def ask_for_project(request: Request, visitor: access.CurrentVisitor) -> Response:
    """Show the form for a new project."""
    require_creator(visitor.person)
    return await answer.render_page(request, "project/new.html", NewProjectPage())


@router.post(project_urls.NEW_PROJECT)
async def make_project(request: Request, visitor: access.CurrentVisitor) -> Response:
    """Create a project with its first key; its creator owns it."""
    services = services_of(request)
    name = (await forms.read_form(request)).get("name", "")
    try:
        project = await create_project(services.db, services.keys, visitor.person, name)
    except InvalidInput as error:
        page = NewProjectPage(name[:_NAME_CHARS_SHOWN], phrases.sentence(str(error)))
        return await answer.render_page(request, "project/new.html", page, status=error.status)
    return answer.redirect(project_urls.set_up(project.id), done="project-made")


@router.get(route_to(project_urls.project))
async def show_project(
    request: Request,
    project_access: access.CurrentProject,
    keys: access.RowNumber = 0,
    members: access.RowNumber = 0,
    quarantine: access.RowNumber = 0,
) -> Response:
    """Show how to send to a project, and what became of what was sent."""
    return await _show(request, project_access, OverviewParts(keys, members, quarantine))


@router.get(route_to(project_urls.quarantined))
async def send_quarantined(
    request: Request, project_access: access.CurrentProject, quarantined_id: access.RowId
) -> Response:
    """Send a quarantined envelope as it came over the wire."""
    body = await download_quarantined(services_of(request).db, project_access, quarantined_id)
    file_name = f"quarantined-{quarantined_id}.envelope"
    return Response(
        body,
        media_type="application/octet-stream",
        headers={"Content-Disposition": f'attachment; filename="{file_name}"'},
    )


async def _show(
    request: Request,
    project_access: ProjectAccess,
    parts: OverviewParts,
) -> Response:
    services = services_of(request)
    overview = await read_project_overview(services.db, project_access, parts)
    page = build_project_page(services, project_access, overview, parts)
    return await answer.render_page(request, "project/page.html", page)
