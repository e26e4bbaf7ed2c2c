"""The traces of a replay on its clock: one at full length, and what backends did."""

import asyncio
from typing import Final

import msgspec
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from app.core.errors import NotFound
from app.web.frame import access, answer, part_cursors, traces_shown
from app.web.replay import build, lists, routes
from app.web.replay.served import served
from app.web.urls import replay_urls
from app.web.words import spans
from app.web.words.traces import TracePage

router = APIRouter()

_PATH: Final = "/projects/{project_id}/replays/{replay_id}"


@router.get(f"{_PATH}/traces/{{trace_id}}")
async def show_trace_of_replay(
    request: Request,
    watching: access.CurrentReplay,
    trace_id: str,
    first: traces_shown.FirstRow = 0,
    after: str = "",
) -> Response:
    """Show a trace on the clock of a replay, as its panel does."""
    wanted = traces_shown.read_trace_id(trace_id)
    place = part_cursors.read_block_place(after)
    opened = await routes.reader_of(request, watching).find_traces(after=place)
    found = next((one for one in opened.traces if one.trace_id == wanted), None)
    if found is None:
        raise NotFound("no such trace in this replay")
    block = await traces_shown.describe_trace(
        found, build.surroundings(opened.context, after=after), first
    )
    here = replay_urls.replay(watching.key.project_id, watching.key.replay_id)
    parts = (
        lists.span_part(opened),
        lists.error_part(opened.context, opened.events),
    )
    shown = tuple(part for part in parts if part)
    value = TracePage(block, None, (), here, spans.rules(), parts=shown)
    return await answer.render_page(request, "trace/page.html", value)


@router.get(f"{_PATH}/served")
async def send_served(request: Request, watching: access.CurrentReplay) -> Response:
    """Send what backends did for the requests of a replay, on the player's clock."""
    opened = await routes.reader_of(request, watching).find_traces()
    found = await asyncio.to_thread(served, opened.traces, build.surroundings(opened.context))
    body = msgspec.json.encode({"served": found})
    return Response(body, 200, {"Cache-Control": "private, no-store"}, "application/json")
