"""The keys of a project: add, rename, switch off and on."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from app.administration.projects import project_keys
from app.core.errors import InvalidInput
from app.memberships.model import ProjectAccess
from app.web.frame import access, answer, forms
from app.web.frame.services import services_of
from app.web.keys.build import build_keys_page
from app.web.urls import project_urls
from app.web.urls.routing import route_to
from app.web.words import phrases

router = APIRouter()


@router.get(route_to(project_urls.keys))
async def show_keys(request: Request, project_access: access.CurrentProject) -> Response:
    """Show the keys of a project, to be changed."""
    return await _show(request, project_access)


@router.post(route_to(project_urls.keys))
async def add_key(request: Request, project_access: access.CurrentProject) -> Response:
    """Add a key with a name."""
    services = services_of(request)
    label = (await forms.read_form(request)).get("label", "")
    try:
        await project_keys.add_key(services.db, services.keys, project_access, label)
    except InvalidInput as error:
        return await _show(request, project_access, error, label=label)
    return answer.redirect(project_urls.keys(project_access.project.id), done="key-added")


@router.post(route_to(project_urls.rename_key))
async def rename_key(
    request: Request, project_access: access.CurrentProject, public_key: str
) -> Response:
    """Give a key another name."""
    label = (await forms.read_form(request)).get("label", "")
    try:
        await project_keys.rename_key(services_of(request).db, project_access, public_key, label)
    except InvalidInput as error:
        return await _show(request, project_access, error)
    return answer.redirect(project_urls.keys(project_access.project.id), done="key-renamed")


@router.post(route_to(project_urls.switch_key))
async def switch_key(
    request: Request, project_access: access.CurrentProject, public_key: str
) -> Response:
    """Switch a key on or off."""
    services = services_of(request)
    is_on = (await forms.read_form(request)).get("on") == "yes"
    await project_keys.switch_key(
        services.db, services.keys, project_access, public_key, is_on=is_on
    )
    done = "key-on" if is_on else "key-off"
    return answer.redirect(project_urls.keys(project_access.project.id), done=done)


async def _show(
    request: Request,
    project_access: ProjectAccess,
    refusal: InvalidInput | None = None,
    *,
    label: str = "",
) -> Response:
    services = services_of(request)
    keys = await project_keys.read_project_keys(services.db, project_access)
    problem = phrases.sentence(str(refusal)) if refusal else None
    page = build_keys_page(services, project_access, keys, label=label, problem=problem)
    status = refusal.status if refusal else 200
    return await answer.render_page(request, "keys/page.html", page, status=status)
