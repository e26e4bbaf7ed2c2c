"""Further parts of the long lists of a replay, each part a page of its own."""

import asyncio

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from app.core.errors import NotFound
from app.web import access, answer, part_cursors
from app.web.pages import replay as replay_pages
from app.web.view import replay_page

router = APIRouter()

_PATH = "/projects/{project_id}/replays/{replay_id}"


@router.get(f"{_PATH}/errors")
async def show_errors(request: Request, watching: access.WatchingHere, after: str = "") -> Response:
    """Show the errors of a replay from a place on."""
    place = part_cursors.read_event_place(after)
    known = await replay_pages.find_known(request, watching, after_error=place)
    if known is None:
        raise NotFound("no such replay")
    visit = replay_pages.visit_of(request, watching)
    page = await asyncio.to_thread(replay_page.part_page, known, "errors", visit)
    return await answer.page(request, "replay/part.html", page)
