"""The one organisation and its projects, which build tools list to be configured.

Playhead has no organisations: every name in an address leads to what the token reaches.
"""

from typing import Any, Final

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from app.api_tokens.model import ApiToken
from app.api_tokens.secret import ORGANISATION
from app.projects.model import Project
from app.rest import access, answers, paging
from app.rest.answers import write_time
from app.rest.services import services_of

router = APIRouter()

_ORGANIZATIONS: Final = "/organizations/"
_ORGANIZATION: Final = "/organizations/{org}/"
_PROJECTS: Final = "/organizations/{org}/projects/"
_ALL_PROJECTS: Final = "/projects/"
_PROJECT: Final = "/projects/{org}/{project}/"
_REGIONS: Final = "/users/me/regions/"


@router.get(_ORGANIZATIONS)
async def list_organizations(request: Request, caller: access.AnyCaller) -> Response:
    """List the one organisation."""
    link = paging.write_link(request, paging.RequestedRows(0, 1), has_more=False)
    described = _describe_organization(request, caller.token)
    return answers.write_json([described], headers=link)


@router.get(_ORGANIZATION)
async def show_organization(request: Request, caller: access.AnyCaller) -> Response:
    """Show the one organisation, whatever it is called."""
    return answers.write_json(_describe_organization(request, caller.token))


@router.get(_REGIONS)
async def list_regions(request: Request, caller: access.AnyCaller) -> Response:  # noqa: ARG001 - checks the token
    """Tell that this server is the only region."""
    url = services_of(request).settings.base_url
    return answers.write_json({"regions": [{"name": "default", "url": url}]})


@router.get(_PROJECTS)
async def list_projects(request: Request, caller: access.ProjectReader) -> Response:
    """List the projects that the token reaches."""
    return _write_projects(request, caller)


@router.get(_ALL_PROJECTS)
async def list_all_projects(request: Request, caller: access.ProjectReader) -> Response:
    """List the projects that the token reaches, as some tools ask for them."""
    return _write_projects(request, caller)


@router.get(_PROJECT)
async def show_project(request: Request, target: access.ProjectReaderProject) -> Response:
    """Show one project."""
    return answers.write_json(_describe_project(request, target.project, target.caller.token))


def _write_projects(request: Request, caller: access.RestCaller) -> Response:
    page = paging.read_page(request)
    rows = caller.projects[page.first : page.first + page.limit]
    has_more = len(caller.projects) > page.first + page.limit
    link = paging.write_link(request, page, has_more=has_more)
    described = [_describe_project(request, project, caller.token) for project in rows]
    return answers.write_json(described, headers=link)


def _describe_project(request: Request, project: Project, token: ApiToken) -> dict[str, Any]:
    return {
        "id": str(project.id),
        "slug": project.slug,
        "name": project.name,
        "dateCreated": write_time(project.created_at),
        "status": "active",
        "platform": None,
        "features": [],
        "team": None,
        "teams": [],
        "organization": _describe_organization(request, token),
    }


def _describe_organization(request: Request, token: ApiToken) -> dict[str, Any]:
    """Describe the organisation; sentry-cli fails without any of these."""
    base_url = services_of(request).settings.base_url
    return {
        "id": "1",
        "slug": ORGANISATION,
        "name": "Playhead",
        "dateCreated": write_time(token.made_at),
        "status": {"id": "active", "name": "active"},
        "isEarlyAdopter": False,
        "require2FA": False,
        "requireEmailVerification": False,
        "features": [],
        "links": {"organizationUrl": base_url, "regionUrl": base_url},
    }
