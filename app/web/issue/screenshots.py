"""Shows a picture that came with an event, drawn anew by a media child: never the file itself."""

from typing import Final

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from app.core.errors import MalformedInput, NotFound
from app.media import child
from app.memberships.model import Role
from app.web.frame import access
from app.web.frame.media import MEDIA_HEADERS, refuse_other_sites
from app.web.frame.services import services_of
from app.web.issue.build_event import PICTURES
from app.web.issue.event_routes import find_file

router = APIRouter()

_PATH: Final = "/projects/{project_id}/events/{event_id}/files/{number}/picture.webp"
_MOST_BYTES: Final = 8 * 1024 * 1024
"""A screenshot is below 1 MiB."""


@router.get(_PATH)
async def send_screenshot(
    request: Request, inside: access.CurrentProject, event_id: str, number: access.RowId
) -> Response:
    """Send a picture of an event as a WebP of our own."""
    inside.need(Role.MEMBER)
    refuse_other_sites(request)
    here = services_of(request)
    async with here.db.reading() as connection:
        one = await find_file(connection, inside, event_id, number)
    is_shown = here.settings.pictures and one.content_type in PICTURES
    if not is_shown or one.size_bytes > _MOST_BYTES:
        raise NotFound("this file is not shown as a picture")
    data = await here.store.read(one.object_key)
    try:
        async with here.drawing_slot, child.started() as started:
            still = await started.redraw(data)
    except MalformedInput as error:
        raise NotFound(f"this file is no picture that can be shown: {error}") from error
    return Response(still.data, 200, MEDIA_HEADERS, "image/webp")
