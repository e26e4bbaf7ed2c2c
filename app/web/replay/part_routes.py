"""Further parts of the long lists of a replay, each part a page of its own."""

import asyncio
from typing import Annotated, Final

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from app.web.frame import access, answer, part_cursors
from app.web.replay import build, lists, routes as replay_pages
from app.web.replay.page import ReplayPartPage

router = APIRouter()

_PATH: Final = "/projects/{project_id}/replays/{replay_id}"
_MOST_ROWS: Final = 100_000_000
_From = Annotated[int, Query(alias="from", ge=0, le=_MOST_ROWS)]


@router.get(f"{_PATH}/errors")
async def show_errors(
    request: Request, watching: access.CurrentReplay, after: str = ""
) -> Response:
    """Show the errors of a replay after a place."""
    place = part_cursors.read_event_place(after)
    found = await replay_pages.reader_of(request, watching).find_errors(after=place)
    return await _page(
        request, await asyncio.to_thread(lists.error_page, found.context, found.errors)
    )


@router.get(f"{_PATH}/logs")
async def show_logs(request: Request, watching: access.CurrentReplay, after: str = "") -> Response:
    """Show the log records of a replay after a place."""
    place = part_cursors.read_log_place(after)
    found = await replay_pages.reader_of(request, watching).find_logs(after=place)
    return await _page(request, await asyncio.to_thread(lists.log_page, found))


@router.get(f"{_PATH}/trace")
async def show_traces(
    request: Request, watching: access.CurrentReplay, after: str = "", first: _From = 0
) -> Response:
    """Show the traces of a replay that the spans after a place make, from a number on."""
    place = part_cursors.read_block_place(after)
    found = await replay_pages.reader_of(request, watching).find_traces(after=place)
    around = build.surroundings(found.context, after=after)
    page = await asyncio.to_thread(lists.trace_page, found, around, after=after, first=first)
    return await _page(request, page)


@router.get(f"{_PATH}/activity")
async def show_activity(
    request: Request,
    watching: access.CurrentReplay,
    first: _From = 0,
    from_segment: access.FromSegment = 0,
) -> Response:
    """Show the activity of a replay from a row on."""
    reader = replay_pages.reader_of(request, watching)
    found = await reader.find_activity(from_segment=from_segment)
    return await _page(request, await asyncio.to_thread(lists.activity_page, found, first=first))


@router.get(f"{_PATH}/network")
async def show_requests(
    request: Request,
    watching: access.CurrentReplay,
    first: _From = 0,
    from_segment: access.FromSegment = 0,
) -> Response:
    """Show the requests of a replay from a number on."""
    reader = replay_pages.reader_of(request, watching)
    found = await reader.find_page(from_segment=from_segment)
    return await _page(request, await asyncio.to_thread(lists.request_page, found, first=first))


@router.get(f"{_PATH}/feedback")
async def show_feedback(
    request: Request, watching: access.CurrentReplay, first: _From = 0
) -> Response:
    """Show what people wrote about a replay, from a number on."""
    found = await replay_pages.reader_of(request, watching).find_feedback(first=first)
    return await _page(request, await asyncio.to_thread(lists.feedback_page, found, first=first))


@router.get(f"{_PATH}/viewers")
async def show_viewers(
    request: Request, watching: access.CurrentReplay, first: _From = 0
) -> Response:
    """Show who has opened a replay, from a number on."""
    found = await replay_pages.reader_of(request, watching).find_viewers(first=first)
    return await _page(request, lists.viewer_page(found, first=first))


async def _page(request: Request, page: ReplayPartPage) -> Response:
    return await answer.render_page(request, "replay/part.html", page)
