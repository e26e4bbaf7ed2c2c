"""The debug files of a project: the list, uploads and deletions by hand."""

from collections.abc import Sequence
from typing import Final

from fastapi import APIRouter
from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import Response

from app.administration.debug_files.delete_debug_files import (
    MOST_NAMED,
    delete_debug_files,
    preview_deletion,
)
from app.administration.debug_files.read_debug_files import DebugFileSearch, read_debug_files
from app.core.errors import InvalidInput, RequestRefused
from app.db.lists import TIME_KEY
from app.debug_files.model import DebugFileKind
from app.debug_uploads.upload_by_hand import upload_by_hand
from app.memberships.model import ProjectAccess, Role
from app.web.debug_files.build import build_debug_files_page, build_deletion_page
from app.web.debug_files.uploads import count_files, describe_faults
from app.web.frame import access, answer, cursors, forms
from app.web.frame.services import services_of
from app.web.urls import project_urls
from app.web.urls.routing import route_to
from app.web.words import phrases

router = APIRouter()

_LONGEST_CHARS: Final = 250
_KINDS: Final = {kind.value: kind for kind in DebugFileKind}
_MOST_FIELDS: Final = MOST_NAMED + 10


@router.get(route_to(project_urls.debug_files))
async def show_debug_files(
    request: Request,
    project_access: access.CurrentProject,
    after: str = "",
    before: str = "",
) -> Response:
    """Show the debug files of a project, and those that its events miss."""
    query = request.query_params
    search = DebugFileSearch(
        release=_read_text(query.get("release", "")),
        kind=_KINDS.get(query.get("kind", "")),
        text=_read_text(query.get("q", "")),
        asked=cursors.read_page_request(TIME_KEY, after=after, before=before),
    )
    return await _show(request, project_access, search)


@router.post(route_to(project_urls.debug_files))
async def upload_file(request: Request, project_access: access.CurrentProject) -> Response:
    """Take a debug file that somebody uploads by hand."""
    project_access.require_role(Role.MEMBER)
    services = services_of(request)
    try:
        async with services.upload_slots:
            taken = await upload_by_hand(
                services.uploads,
                project_access,
                request.stream(),
                content_type=request.headers.get("content-type", ""),
            )
    except (InvalidInput, RequestRefused) as refusal:
        return await _show_problem(request, project_access, (str(refusal),), refusal.status)
    faults = describe_faults(taken)
    if faults:
        return await _show_problem(request, project_access, faults, InvalidInput.status)
    href = project_urls.debug_files(project_access.project.id)
    return answer.redirect(href, done="debug-files-uploaded", count=count_files(taken))


@router.post(route_to(project_urls.delete_debug_files))
async def delete_files(request: Request, project_access: access.CurrentProject) -> Response:
    """Ask before debug files are deleted, and delete them once that is confirmed."""
    project_access.require_role(Role.ADMIN)
    services = services_of(request)
    pairs = QueryParams(await forms.read_form_pairs(request, limit=_MOST_FIELDS))
    named = pairs.getlist("file")
    search = DebugFileSearch(
        release=_read_text(pairs.get("release", "")),
        kind=_KINDS.get(pairs.get("kind", "")),
        text=_read_text(pairs.get("q", "")),
    )
    back = project_urls.debug_files(
        project_access.project.id, release=search.release, kind=search.kind or "", text=search.text
    )
    if not named and pairs.get("all") != "yes":
        return answer.redirect(back)
    if pairs.get("sure") != "yes":
        deletion = await preview_deletion(services.db, project_access, named, search)
        page = build_deletion_page(project_access, deletion, search)
        return await answer.render_page(request, "debug_files/delete.html", page)
    deleted = await delete_debug_files(services.db, project_access, named, search)
    services.sweeper.hurry()
    page_href = project_urls.debug_files(project_access.project.id)
    return answer.redirect(page_href, done="debug-files-deleted", count=deleted)


async def _show(
    request: Request,
    project_access: ProjectAccess,
    search: DebugFileSearch,
    *,
    problems: Sequence[str] = (),
    status: int = 200,
) -> Response:
    services = services_of(request)
    data = await read_debug_files(services.db, project_access, search)
    page = build_debug_files_page(
        project_access,
        data,
        search,
        limit_bytes=services.settings.debug_files_project_bytes,
        problems=[phrases.sentence(problem) for problem in problems],
    )
    return await answer.render_page(request, "debug_files/page.html", page, status=status)


async def _show_problem(
    request: Request, project_access: ProjectAccess, problems: Sequence[str], status: int
) -> Response:
    return await _show(request, project_access, DebugFileSearch(), problems=problems, status=status)


def _read_text(value: str) -> str:
    return value.replace("\0", "").strip()[:_LONGEST_CHARS]
