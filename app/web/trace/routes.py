"""A trace on its own, and what a span says of itself."""

from collections.abc import Sequence

from fastapi import APIRouter
from sqlalchemy.ext.asyncio import AsyncConnection
from starlette.requests import Request
from starlette.responses import Response

from app.core import ids
from app.core.errors import NotFound
from app.core.ids import ProjectId, ReplayId, SpanId
from app.memberships import queries as memberships
from app.playback.links import linked_traces as traces
from app.playback.links.linked_traces import SpanError, Trace
from app.projects.model import Project
from app.replays import traced
from app.traces import queries
from app.web.frame import access, answer, part_cursors, traces_shown
from app.web.frame.services import services_of
from app.web.trace import parts as trace_parts
from app.web.urls import issue_urls, replay_urls
from app.web.words import spans
from app.web.words.spans import Surroundings
from app.web.words.traces import ReplayLink, SpanPage, TracePage

router = APIRouter()


@router.get("/traces/{trace_id}")
async def show_trace(
    request: Request,
    visitor: access.CurrentVisitor,
    trace_id: str,
    *,
    first: traces_shown.FirstRow = 0,
    after: str = "",
    after_error: str = "",
) -> Response:
    """Show a trace of app and backends, as far as the person may see it."""
    wanted = traces_shown.read_trace_id(trace_id)
    place, error_place = (
        part_cursors.read_block_place(after),
        part_cursors.read_event_place(after_error),
    )
    async with services_of(request).db.reading() as connection:
        seen = await memberships.list_projects(connection, visitor.person)
        project_ids = [project.id for project in seen]
        found = await traces.read_trace(
            connection, wanted, project_ids, after=place, after_error=error_place
        )
        if found is None:
            raise NotFound("no such trace")
        links = await _replays(connection, found.trace, seen)
    around = Surroundings(
        {project.id: project.name for project in seen},
        zero_ms=0,
        error_href=_error_href,
        trace_href=lambda of_trace, start: replay_urls.trace(
            of_trace, first=start, after=after, after_error=after_error
        ),
    )
    block = await traces_shown.describe_trace(found.trace, around, first)
    value = TracePage(
        block,
        found.trace.started_at,
        tuple(links.values()),
        None,
        spans.rules(),
        parts=trace_parts.describe_parts(found, after=after, after_error=after_error),
    )
    return await answer.render_page(request, "trace/page.html", value)


@router.get("/traces/{trace_id}/spans/{span_id}")
async def show_span(
    request: Request, visitor: access.CurrentVisitor, trace_id: str, span_id: str
) -> Response:
    """Show what a span says of itself."""
    in_trace, wanted = traces_shown.read_trace_id(trace_id), ids.read_hex16(span_id)
    if wanted is None:
        raise NotFound("no span has such an id")
    async with services_of(request).db.reading() as connection:
        seen = await memberships.list_projects(connection, visitor.person)
        data = await queries.find_span_data(
            connection, in_trace, SpanId(wanted), [project.id for project in seen]
        )
    if data is None:
        raise NotFound("no such span")
    value = SpanPage(replay_urls.trace(in_trace), SpanId(wanted), spans.data_rows(data))
    return await answer.render_page(request, "trace/span.html", value)


async def _replays(
    connection: AsyncConnection, found: Trace, seen: Sequence[Project]
) -> dict[ReplayId, ReplayLink]:
    """Find the replays that the trace runs through, newest first."""
    names: dict[ProjectId, str] = {project.id: project.name for project in seen}
    listed = await traced.read_replays_in_trace(connection, found.trace_id, list(names))
    return {
        one.key.replay_id: ReplayLink(
            replay_urls.replay(one.key.project_id, one.key.replay_id),
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
    return issue_urls.issue_event(event.project_id, event.issue_id, event.event_id)
