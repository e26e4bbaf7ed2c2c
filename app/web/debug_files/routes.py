"""The debug files of a project: the list, and deletions by hand."""

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
from app.db.lists import TIME_KEY
from app.debug_files.model import DebugFileKind
from app.memberships.model import Role
from app.web.debug_files.build import build_debug_files_page, build_deletion_page
from app.web.frame import access, answer, cursors, forms
from app.web.frame.services import services_of
from app.web.urls import project_urls
from app.web.urls.routing import route_to

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
    services = services_of(request)
    asked = cursors.read_page_request(TIME_KEY, after=after, before=before)
    query = request.query_params
    search = DebugFileSearch(
        release=_read_text(query.get("release", "")),
        kind=_KINDS.get(query.get("kind", "")),
        text=_read_text(query.get("q", "")),
        asked=asked,
    )
    data = await read_debug_files(services.db, project_access, search)
    limit_bytes = services.settings.debug_files_project_bytes
    page = build_debug_files_page(project_access, data, search, limit_bytes=limit_bytes)
    return await answer.render_page(request, "debug_files/page.html", page)


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


def _read_text(value: str) -> str:
    return value.replace("\0", "").strip()[:_LONGEST_CHARS]
