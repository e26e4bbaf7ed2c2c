"""Releases below `/organizations/{org}/` (sentry-cli 3) and `/projects/{org}/{project}/` (2.x).

The organisation may have any name: there is one, and the token says what is reached.
"""

from collections.abc import Sequence

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from app.core.errors import InvalidInput, NotFound
from app.projects.model import Project
from app.releases.model import ReleaseChange
from app.rest import access, answers, paging
from app.rest.access import RestCaller
from app.rest.releases import bodies, shapes
from app.rest.services import services_of
from app.triage import build_releases

router = APIRouter()

_OF_ORGANIZATION = "/organizations/{org}/releases/"
_OF_PROJECT = "/projects/{org}/{project}/releases/"


@router.post(_OF_ORGANIZATION)
async def add_release(request: Request, caller: access.ReleasesCaller) -> Response:
    """Make a release in the projects that the body names, or change it where it exists."""
    release = bodies.read_new_release(await answers.read_json_object(request))
    projects = await _find_targets(request, caller, release.version, release.projects)
    return await _change_release(
        request, caller, projects, release.version, release.change, status=201
    )


@router.post(_OF_PROJECT)
async def add_project_release(request: Request, target: access.ReleasesProject) -> Response:
    """Make a release in one project, or change it."""
    release = bodies.read_new_release(await answers.read_json_object(request))
    projects = await access.require_projects(request, target.caller, release.projects)
    projects = projects or [target.project]
    return await _change_release(
        request, target.caller, projects, release.version, release.change, status=201
    )


@router.put(_OF_ORGANIZATION + "{version}/")
async def change_release(
    request: Request, caller: access.ReleasesCaller, version: access.ReleaseName
) -> Response:
    """Change a release in the projects that the body names, or that have it; make it if need be."""
    body = await answers.read_json_object(request)
    change = bodies.read_change(body)
    projects = await _find_targets(request, caller, version, bodies.read_projects(body))
    return await _change_release(request, caller, projects, version, change)


@router.put(_OF_PROJECT + "{version}/")
async def change_project_release(
    request: Request, target: access.ReleasesProject, version: access.ReleaseName
) -> Response:
    """Change a release of one project, or make it."""
    body = await answers.read_json_object(request)
    change = bodies.read_change(body)
    projects = await access.require_projects(request, target.caller, bodies.read_projects(body))
    return await _change_release(
        request, target.caller, projects or [target.project], version, change
    )


@router.get(_OF_ORGANIZATION)
async def list_releases(request: Request, caller: access.ReleasesReader) -> Response:
    """List the releases of all projects that the token reaches, or of those in the query."""
    named = [name for name in request.query_params.getlist("project") if name != "-1"]
    projects = await access.require_projects(request, caller, named)
    return await _list_releases(request, projects or caller.projects)


@router.get(_OF_PROJECT)
async def list_project_releases(request: Request, target: access.ReleasesReaderProject) -> Response:
    """List the releases of one project."""
    return await _list_releases(request, [target.project])


@router.get(_OF_ORGANIZATION + "{version}/")
async def show_release(
    request: Request, caller: access.ReleasesReader, version: access.ReleaseName
) -> Response:
    """Show a release of any project that the token reaches."""
    return await _show_release(request, caller.projects, version)


@router.get(_OF_PROJECT + "{version}/")
async def show_project_release(
    request: Request, target: access.ReleasesReaderProject, version: access.ReleaseName
) -> Response:
    """Show a release of one project."""
    return await _show_release(request, [target.project], version)


@router.delete(_OF_ORGANIZATION + "{version}/")
async def delete_release(
    request: Request, caller: access.ReleasesCaller, version: access.ReleaseName
) -> Response:
    """Delete what build servers said about a release."""
    return await _delete_release(request, caller, caller.projects, version)


@router.delete(_OF_PROJECT + "{version}/")
async def delete_project_release(
    request: Request, target: access.ReleasesProject, version: access.ReleaseName
) -> Response:
    """Delete what build servers said about a release of one project."""
    return await _delete_release(request, target.caller, [target.project], version)


async def _find_targets(
    request: Request, caller: RestCaller, version: str, names: Sequence[str]
) -> list[Project]:
    """Return the projects in which a release is made or changed.

    Args:
        request: The request.
        caller: The person who asks.
        version: The release.
        names: The projects that the body names. If it names none, they are those that have the
            release, or else the only one that the token reaches.
    """
    if names:
        return await access.require_projects(request, caller, names)
    if len(caller.projects) == 1:
        return list(caller.projects)
    ids = [project.id for project in caller.projects]
    try:
        release = await build_releases.read_release(services_of(request).db, ids, version)
    except NotFound:
        raise InvalidInput(
            "this token reaches several projects: name those of the release in `projects`"
        ) from None
    return [project for project in caller.projects if project.id in release.project_ids]


async def _change_release(
    request: Request,
    caller: RestCaller,
    projects: Sequence[Project],
    version: str,
    change: ReleaseChange,
    *,
    status: int = 200,
) -> Response:
    release = await build_releases.change_release(
        services_of(request).db,
        [project.id for project in projects],
        version,
        change,
        token_name=caller.token.name,
    )
    return answers.write_json(shapes.describe_release(release, projects), status=status)


async def _list_releases(request: Request, projects: Sequence[Project]) -> Response:
    page = paging.read_page(request)
    releases = await build_releases.list_releases(
        services_of(request).db,
        [project.id for project in projects],
        search=request.query_params.get("query", "").replace("\0", "")[:200],
        first=page.first,
        limit=page.limit + 1,
    )
    shown = [shapes.describe_release(release, projects) for release in releases[: page.limit]]
    link = paging.write_link(request, page, has_more=len(releases) > page.limit)
    return answers.write_json(shown, headers=link)


async def _show_release(request: Request, projects: Sequence[Project], version: str) -> Response:
    ids = [project.id for project in projects]
    release = await build_releases.read_release(services_of(request).db, ids, version)
    return answers.write_json(shapes.describe_release(release, projects))


async def _delete_release(
    request: Request, caller: RestCaller, projects: Sequence[Project], version: str
) -> Response:
    await build_releases.delete_release(
        services_of(request).db,
        [project.id for project in projects],
        version,
        token_name=caller.token.name,
    )
    return Response(status_code=204)
