"""Traces: one on its own, one on the clock of a replay, and what a span says of itself."""

import asyncio
from collections.abc import Sequence
from typing import Annotated, Final

import msgspec
from fastapi import APIRouter, Query
from sqlalchemy.ext.asyncio import AsyncConnection
from starlette.requests import Request
from starlette.responses import Response

from app.core import ids
from app.core.errors import NotFound
from app.core.ids import ProjectId, ReplayId, SpanId, TraceId
from app.playback import trace as traces
from app.playback.trace import SpanError, Trace
from app.projects import queries as projects
from app.projects.model import Project
from app.replays import traced
from app.traces import queries
from app.web.frame import access, answer, house, part_cursors
from app.web.replay import build, lists, routes as replay_pages
from app.web.trace import parts as trace_parts
from app.web.trace.served import served
from app.web.words import page_links, spans
from app.web.words.spans import MORE_SPANS, Surroundings
from app.web.words.traces import ReplayLink, SpanPage, TraceBlock, TracePage

router = APIRouter()

_MOST_ROWS: Final = 1_000_000
"""A larger number of rows before the first is no place in a part of a trace."""
_From = Annotated[int, Query(alias="from", ge=0, le=_MOST_ROWS)]
_INLINE_ROWS: Final = 200
"""A trace of more is described away from the event loop."""


@router.get("/traces/{trace_id}")
async def show_trace(
    request: Request,
    visitor: access.SomebodyHere,
    trace_id: str,
    *,
    first: _From = 0,
    after: str = "",
    after_error: str = "",
) -> Response:
    """Show a trace of app and backends, as far as the person may see it."""
    wanted = _read_trace_id(trace_id)
    place, error_place = (
        part_cursors.read_block_place(after),
        part_cursors.read_event_place(after_error),
    )
    async with house.of(request).db.reading() as connection:
        seen = await projects.projects_of(connection, visitor.person)
        project_ids = [project.id for project in seen]
        found = await traces.read(
            connection, wanted, project_ids, after=place, after_error=error_place
        )
        if found is None:
            raise NotFound("no such trace")
        links = await _replays(connection, found.trace, seen)
    around = Surroundings(
        {project.id: project.name for project in seen},
        zero_ms=0,
        error_href=_error_href,
        trace_href=lambda of_trace, start: page_links.trace(
            of_trace, first=start, after=after, after_error=after_error
        ),
    )
    block = await _block(found.trace, around, first)
    value = TracePage(
        block,
        found.trace.started_at,
        tuple(links.values()),
        None,
        spans.rules(),
        parts=trace_parts.describe_parts(found, after=after, after_error=after_error),
    )
    return await answer.page(request, "trace/page.html", value)


@router.get(f"{page_links.PROJECTS}/{{project_id}}/replays/{{replay_id}}/traces/{{trace_id}}")
async def show_trace_of_replay(
    request: Request,
    watching: access.WatchingHere,
    trace_id: str,
    first: _From = 0,
    after: str = "",
) -> Response:
    """Show a trace on the clock of a replay, as its panel does."""
    wanted = _read_trace_id(trace_id)
    place = part_cursors.read_block_place(after)
    opened = await replay_pages.reader_of(request, watching).find_traces(after=place)
    found = next((one for one in opened.traces if one.trace_id == wanted), None)
    if found is None:
        raise NotFound("no such trace in this replay")
    block = await _block(found, build.surroundings(opened.context, after=after), first)
    here = page_links.replay(watching.key.project_id, watching.key.replay_id)
    parts = (
        lists.span_part(opened),
        lists.error_part(opened.context, opened.events),
    )
    shown = tuple(part for part in parts if part)
    value = TracePage(block, None, (), here, spans.rules(), parts=shown)
    return await answer.page(request, "trace/page.html", value)


@router.get(f"{page_links.PROJECTS}/{{project_id}}/replays/{{replay_id}}/served")
async def send_served(request: Request, watching: access.WatchingHere) -> Response:
    """Send what backends did for the requests of a replay, on the player's clock."""
    opened = await replay_pages.reader_of(request, watching).find_traces()
    found = await asyncio.to_thread(served, opened.traces, build.surroundings(opened.context))
    body = msgspec.json.encode({"served": found})
    return Response(body, 200, {"Cache-Control": "private, no-store"}, "application/json")


@router.get("/traces/{trace_id}/spans/{span_id}")
async def show_span(
    request: Request, visitor: access.SomebodyHere, trace_id: str, span_id: str
) -> Response:
    """Show what a span says of itself."""
    in_trace, wanted = _read_trace_id(trace_id), ids.read_hex16(span_id)
    if wanted is None:
        raise NotFound("no span has such an id")
    async with house.of(request).db.reading() as connection:
        seen = await projects.projects_of(connection, visitor.person)
        data = await queries.data_of(
            connection, in_trace, SpanId(wanted), [project.id for project in seen]
        )
    if data is None:
        raise NotFound("no such span")
    value = SpanPage(page_links.trace(in_trace), SpanId(wanted), spans.data_rows(data))
    return await answer.page(request, "trace/span.html", value)


def _read_trace_id(value: str) -> TraceId:
    found = ids.read_hex32(value)
    if found is None:
        raise NotFound("no trace has such an id")
    return TraceId(found)


async def _block(found: Trace, around: Surroundings, first: int) -> TraceBlock:
    if len(found.rows) <= _INLINE_ROWS:
        return spans.block(found, around, first=first, most=MORE_SPANS)
    return await asyncio.to_thread(spans.block, found, around, first=first, most=MORE_SPANS)


async def _replays(
    connection: AsyncConnection, found: Trace, seen: Sequence[Project]
) -> dict[ReplayId, ReplayLink]:
    """Find the replays that the trace runs through, newest first."""
    names: dict[ProjectId, str] = {project.id: project.name for project in seen}
    listed = await traced.in_trace(connection, found.trace_id, list(names))
    return {
        one.key.replay_id: ReplayLink(
            page_links.replay(one.key.project_id, one.key.replay_id),
            names[one.key.project_id],
            one.started_at,
        )
        for one in listed
    }


def _error_href(error: SpanError) -> str | None:
    """Lead to the event of an issue; one that is not grouped yet has no page."""
    event = error.event
    if event.issue_id is None:
        return None
    return page_links.issue_event(event.project_id, event.issue_id, event.event_id)
