"""The traces of a replay on its clock: one at full length, and what backends did."""

import asyncio
from typing import Final

import msgspec
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from app.web.frame import answer, part_cursors, trace_parts
from app.web.replay.readers import PartReaderHere, address_of
from app.web.replay.trace import build
from app.web.replay.trace.served import list_backend_spans
from app.web.urls import replay_urls
from app.web.urls.routing import route_to

router = APIRouter()

_HEADERS: Final = {"Cache-Control": "private, no-store"}


@router.get(route_to(replay_urls.trace_in))
async def show_trace_of_replay(
    request: Request,
    reader: PartReaderHere,
    trace_id: str,
    first: trace_parts.FirstRow = 0,
    after: str = "",
) -> Response:
    """Show a trace on the clock of a replay, as its panel does."""
    wanted = trace_parts.read_trace_id(trace_id)
    traces = await reader.find_traces(after=part_cursors.read_block_place(after))
    page = await build.build_trace_page(
        traces, address_of(reader), wanted, after=after, first=first
    )
    return await answer.render_page(request, "trace/page.html", page)


@router.get(f"{route_to(replay_urls.replay)}/served")
async def send_served(reader: PartReaderHere) -> Response:
    """Send what backends did for the requests of a replay, on the player's clock."""
    traces = await reader.find_traces()
    served = await asyncio.to_thread(list_backend_spans, traces, address_of(reader))
    return Response(msgspec.json.encode({"served": served}), 200, _HEADERS, "application/json")
