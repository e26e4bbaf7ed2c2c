"""A trace on its own, and what a span says of itself."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from app.core import ids
from app.core.errors import NotFound
from app.core.ids import SpanId
from app.playback import trace_page
from app.web.frame import access, answer, part_cursors, trace_parts
from app.web.frame.services import services_of
from app.web.trace import build
from app.web.urls import replay_urls
from app.web.urls.routing import route_to

router = APIRouter()


@router.get(route_to(replay_urls.trace))
async def show_trace(
    request: Request,
    visitor: access.CurrentVisitor,
    trace_id: str,
    *,
    first: trace_parts.FirstRow = 0,
    after: str = "",
    after_error: str = "",
) -> Response:
    """Show the spans of a trace of app and backends that the person may see."""
    data = await trace_page.find_trace(
        services_of(request).db,
        visitor.person,
        trace_parts.read_trace_id(trace_id),
        after=part_cursors.read_block_place(after),
        after_error=part_cursors.read_event_place(after_error),
    )
    page = await build.build_trace_page(data, first=first, after=after, after_error=after_error)
    return await answer.render_page(request, "trace/page.html", page)


@router.get(route_to(replay_urls.span))
async def show_span(
    request: Request, visitor: access.CurrentVisitor, trace_id: str, span_id: str
) -> Response:
    """Show what a span says of itself."""
    in_trace, wanted = trace_parts.read_trace_id(trace_id), ids.read_hex16(span_id)
    if wanted is None:
        raise NotFound("no span has such an id")
    data = await trace_page.find_span_data(
        services_of(request).db, visitor.person, in_trace, SpanId(wanted)
    )
    page = build.build_span_page(in_trace, SpanId(wanted), data)
    return await answer.render_page(request, "trace/span.html", page)
