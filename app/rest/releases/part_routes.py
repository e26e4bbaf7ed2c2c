"""Deploys and commits of a release, and what build tools ask about them without need.

`previous-with-commits` and `repos` have fixed answers. They let sentry-cli report commits from the
local git log. An answer that named the release before would make it fail in a shallow clone, where
the commit of that release is missing.
"""

from collections.abc import Sequence
from typing import Final

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from app.projects.model import Project
from app.rest import access, answers, paging
from app.rest.releases import bodies, shapes
from app.rest.services import services_of
from app.triage import build_releases

router = APIRouter()

_RELEASE: Final = "/organizations/{org}/releases/{version}/"
_PROJECT: Final = "/projects/{org}/{project}/"
_RELEASE_OF_PROJECT: Final = _PROJECT + "releases/{version}/"
_REPOSITORIES: Final = "/organizations/{org}/repos/"


@router.post(_RELEASE + "deploys/")
async def add_deploy(
    request: Request, caller: access.ReleasesCaller, version: access.ReleaseName
) -> Response:
    """Say that a release was deployed."""
    body = await answers.read_json_object(request)
    new_deploy = bodies.read_new_deploy(body)
    named = await access.require_projects(request, caller, bodies.read_projects(body))
    deploy = await build_releases.add_deploy(
        services_of(request).db,
        [project.id for project in named or caller.projects],
        version,
        new_deploy,
        token_name=caller.token.name,
    )
    return answers.write_json(shapes.describe_deploy(deploy), status=201)


@router.get(_RELEASE + "deploys/")
async def list_deploys(
    request: Request, caller: access.ReleasesReader, version: access.ReleaseName
) -> Response:
    """List the 100 latest deploys of a release, the latest first."""
    ids = [project.id for project in caller.projects]
    await build_releases.read_release(services_of(request).db, ids, version)
    deploys = await build_releases.read_deploys(services_of(request).db, ids, version)
    return _write_list(request, [shapes.describe_deploy(deploy) for deploy in deploys])


@router.get(_RELEASE + "commits/")
async def list_commits(
    request: Request, caller: access.ReleasesReader, version: access.ReleaseName
) -> Response:
    """List the commits of a release, the newest first."""
    return await _write_commits(request, caller.projects, version)


@router.get(_RELEASE_OF_PROJECT + "commits/")
async def list_project_commits(
    request: Request, target: access.ReleasesReaderProject, version: access.ReleaseName
) -> Response:
    """List the commits of a release of one project, as sentry-cli 2 asks for them."""
    return await _write_commits(request, [target.project], version)


@router.get(_RELEASE + "previous-with-commits/")
async def find_previous_release(
    caller: access.ReleasesReader,  # noqa: ARG001 - checks the token
    version: access.ReleaseName,  # noqa: ARG001 - checks the name
) -> Response:
    """Answer that no earlier release has commits, so that all that the clone has are reported."""
    return answers.write_json({})


@router.get(_REPOSITORIES)
async def list_repositories(request: Request, caller: access.ReleasesReader) -> Response:  # noqa: ARG001 - checks the token
    """Answer that no repository is known here, so that sentry-cli reads the local one."""
    return _write_list(request, [])


@router.post(_PROJECT + "reprocessing/")
async def begin_reprocessing(target: access.UploadProject) -> Response:  # noqa: ARG001 - checks the token
    """Accept the wish of sentry-cli 2.31 to read events again: every upload does that by itself."""
    return answers.write_json({})


@router.post(_PROJECT + "files/proguard-artifact-releases/")
async def name_mapping_release(
    request: Request,
    target: access.UploadProject,  # noqa: ARG001 - checks the token
) -> Response:
    """Accept which release a mapping belongs to: events name their mapping by its id."""
    await answers.read_json_object(request)
    return answers.write_json({}, status=201)


async def _write_commits(request: Request, projects: Sequence[Project], version: str) -> Response:
    ids = [project.id for project in projects]
    await build_releases.read_release(services_of(request).db, ids, version)
    commits = await build_releases.read_commits(services_of(request).db, ids, version)
    return _write_list(request, [shapes.describe_commit(commit) for commit in commits])


def _write_list(request: Request, values: list[dict[str, object]]) -> Response:
    page = paging.RequestedRows(0, len(values))
    return answers.write_json(values, headers=paging.write_link(request, page, has_more=False))
