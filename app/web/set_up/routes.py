"""The set-up page of a project."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from app.memberships import queries as memberships
from app.playback import checks
from app.projects import queries as projects
from app.web.frame import access, answer, dsn
from app.web.frame.services import services_of
from app.web.set_up import page, snippets
from app.web.set_up.page import SetUpPage
from app.web.urls import project_urls
from app.web.urls.routing import route_to

router = APIRouter()


@router.get(route_to(project_urls.set_up))
async def show_set_up(request: Request, inside: access.CurrentProject) -> Response:
    """Show how to point apps and services at a project, and what has come of it so far."""
    here = services_of(request)
    project = inside.project
    async with here.db.reading() as connection:
        seen = await memberships.list_projects(connection, inside.person)
        keys = await projects.keys_of(connection, project.id)
        found = await checks.read_set_up_facts(connection, project.id, [one.id for one in seen])
    first = dsn.write_first_dsn(here, keys)
    value = SetUpPage(
        project_id=project.id,
        name=project.name,
        dsn=first,
        apps=snippets.apps(first) if first else (),
        services=snippets.services(first) if first else (),
        checks=page.checks(project.id, found),
    )
    return await answer.render_page(request, "project/set_up.html", value)
