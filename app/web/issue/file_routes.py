"""Sends the files that came with an event: as bytes to download, or as a picture drawn anew."""

from typing import Final

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from app.core.errors import NotFound, PermissionDenied
from app.memberships.model import Role
from app.triage.event.event_files import (
    draw_event_picture,
    open_event_file,
    read_in_chunks,
    write_readable_hierarchy,
)
from app.web.frame import access
from app.web.frame.media import MEDIA_HEADERS, refuse_other_sites
from app.web.frame.services import services_of
from app.web.issue.readers import read_event_id
from app.web.urls import issue_urls
from app.web.urls.routing import route_to

router = APIRouter()

_READABLE: Final = "readable"
_FILE_HEADERS: Final = {
    "Content-Disposition": "attachment",
    "Content-Security-Policy": "sandbox; default-src 'none'",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "private, no-store",
}


@router.get(route_to(issue_urls.attachment))
async def send_file(
    request: Request,
    project_access: access.CurrentProject,
    event_id: str,
    number: access.RowId,
    version: str = "",
) -> Response:
    """Send a file of an event as plain bytes, because it was never scrubbed or looked into.

    A view hierarchy is also sent with clear names, if `version` says `readable`.
    """
    project_access.require_role(Role.MEMBER)
    if request.headers.get("sec-fetch-site") in {"cross-site", "same-site"}:
        raise PermissionDenied("another site asks for this file")
    services = services_of(request)
    file = await open_event_file(
        services.db,
        project_access.project.id,
        read_event_id(event_id),
        number,
        person_id=project_access.person.id,
    )
    if version == _READABLE:
        readable = await write_readable_hierarchy(services.db, services.store, file)
        if readable is not None:
            return Response(readable, 200, _FILE_HEADERS, "application/octet-stream")
    headers = {**_FILE_HEADERS, "Content-Length": str(file.size_bytes)}
    return StreamingResponse(
        read_in_chunks(services.store, file), headers=headers, media_type="application/octet-stream"
    )


@router.get(route_to(issue_urls.screenshot))
async def send_screenshot(
    request: Request, project_access: access.CurrentProject, event_id: str, number: access.RowId
) -> Response:
    """Send a picture of an event as a WebP of our own, never the file itself."""
    project_access.require_role(Role.MEMBER)
    refuse_other_sites(request)
    services = services_of(request)
    if not services.settings.pictures:
        raise NotFound("this file is not shown as a picture")
    picture = await draw_event_picture(
        services.db,
        services.store,
        (project_access.project.id, read_event_id(event_id), number),
        person_id=project_access.person.id,
        drawing_slot=services.drawing_slot,
    )
    return Response(picture, 200, MEDIA_HEADERS, "image/webp")
