"""Further parts of the long lists of a replay, each part a page of its own."""

import asyncio
from typing import Annotated, Final

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from app.web.frame import access, answer, part_cursors
from app.web.replay.page import ReplayPartPage
from app.web.replay.parts import build
from app.web.replay.readers import PartReaderHere, address_of
from app.web.urls import replay_urls
from app.web.urls.routing import route_to

router = APIRouter()

_REPLAY: Final = route_to(replay_urls.replay)
_MOST_ROWS: Final = 100_000_000
FirstRow = Annotated[int, Query(alias="from", ge=0, le=_MOST_ROWS)]


@router.get(f"{_REPLAY}/errors")
async def show_errors(request: Request, reader: PartReaderHere, after: str = "") -> Response:
    """Show the errors of a replay after a place."""
    errors = await reader.find_errors(after=part_cursors.read_event_place(after))
    page = await asyncio.to_thread(build.build_error_page, errors, address_of(reader))
    return await _render(request, page)


@router.get(f"{_REPLAY}/logs")
async def show_logs(request: Request, reader: PartReaderHere, after: str = "") -> Response:
    """Show the log records of a replay after a place."""
    logs = await reader.find_logs(after=part_cursors.read_log_place(after))
    page = await asyncio.to_thread(build.build_log_page, logs, address_of(reader))
    return await _render(request, page)


@router.get(f"{_REPLAY}/trace")
async def show_traces(
    request: Request, reader: PartReaderHere, after: str = "", first: FirstRow = 0
) -> Response:
    """Show the traces that the spans of a replay after a place make, from a given row on."""
    traces = await reader.find_traces(after=part_cursors.read_block_place(after))
    page = await asyncio.to_thread(
        build.build_trace_page, traces, address_of(reader), after=after, first=first
    )
    return await _render(request, page)


@router.get(f"{_REPLAY}/activity")
async def show_activity(
    request: Request,
    reader: PartReaderHere,
    first: FirstRow = 0,
    from_segment: access.FromSegment = 0,
) -> Response:
    """Show the activity of a replay from a row on."""
    activity = await reader.find_activity(from_segment=from_segment)
    page = await asyncio.to_thread(
        build.build_activity_page, activity, address_of(reader), first=first
    )
    return await _render(request, page)


@router.get(f"{_REPLAY}/network")
async def show_requests(
    request: Request,
    reader: PartReaderHere,
    first: FirstRow = 0,
    from_segment: access.FromSegment = 0,
) -> Response:
    """Show the requests of a replay from a given row on."""
    data = await reader.find_page(from_segment=from_segment)
    page = await asyncio.to_thread(build.build_request_page, data, address_of(reader), first=first)
    return await _render(request, page)


@router.get(f"{_REPLAY}/feedback")
async def show_feedback(request: Request, reader: PartReaderHere, first: FirstRow = 0) -> Response:
    """Show the feedback on a replay from a given row on."""
    feedback = await reader.find_feedback(first=first)
    page = await asyncio.to_thread(
        build.build_feedback_page, feedback, address_of(reader), first=first
    )
    return await _render(request, page)


@router.get(f"{_REPLAY}/viewers")
async def show_viewers(request: Request, reader: PartReaderHere, first: FirstRow = 0) -> Response:
    """Show who has opened a replay, from a given row on."""
    viewers = await reader.find_viewers(first=first)
    return await _render(request, build.build_viewer_page(viewers, address_of(reader), first=first))


async def _render(request: Request, page: ReplayPartPage) -> Response:
    return await answer.render_page(request, "replay/part.html", page)
