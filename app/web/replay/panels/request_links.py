"""Links the requests, traces and errors of a replay to one another."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from app.core import units
from app.core.ids import EventId, TraceId
from app.playback.links.linked_traces import SpanError
from app.playback.links.request_traces import RequestTrace, match_request_traces
from app.playback.visit.model import ReplayPageData
from app.web.replay.panels.request_rows import pick_requests
from app.web.urls import issue_urls
from app.web.urls.replay_address import ReplayAddress
from app.web.words.panels.activity import RequestError, RequestLinks
from app.web.words.panels.problems import KINDS, ErrorRow
from app.web.words.trace.spans import MOST_TRACES


@dataclass(frozen=True, slots=True)
class PanelContents:
    """The errors and traces that the panels of a page show, so that a link can lead to them."""

    errors: frozenset[EventId]
    traces: frozenset[TraceId]


NO_PANELS: Final = PanelContents(frozenset(), frozenset())
"""The contents of a page without panels: nothing."""


def find_request_traces(data: ReplayPageData) -> dict[int, RequestTrace]:
    """Find the traces of the requests of a replay, by the number of the request."""
    return match_request_traces(
        pick_requests(data.contents.spans),
        data.traces.traces,
        started_ms=units.ms_from_at(data.context.window.started_at),
    )


def list_panel_contents(data: ReplayPageData, errors: Sequence[ErrorRow]) -> PanelContents:
    """List the errors and traces that the panels show.

    Args:
        data: The replay.
        errors: The rows of the Errors panel.
    """
    return PanelContents(
        frozenset(row.event_id for row in errors),
        frozenset(trace.trace_id for trace in data.traces.traces[:MOST_TRACES]),
    )


def make_request_links(
    traced: Mapping[int, RequestTrace], address: ReplayAddress, panels: PanelContents
) -> dict[int, RequestLinks]:
    """Make the links of requests to their trace and errors, by the number of the request."""

    def make_links(request: RequestTrace) -> RequestLinks:
        page = address.trace(request.trace_id)
        is_shown = request.trace_id in panels.traces
        return RequestLinks(
            trace_href=_trace_panel_href(address, request.trace_id) if is_shown else page,
            trace_page_href=page,
            errors=tuple(_request_error(error, address, panels, page) for error in request.errors),
        )

    return {number: make_links(request) for number, request in traced.items()}


def link_errors(
    errors: Sequence[ErrorRow],
    traced: Mapping[int, RequestTrace],
    address: ReplayAddress,
    panels: PanelContents,
    *,
    shown_requests: int,
) -> tuple[ErrorRow, ...]:
    """Link errors to their trace, and to the request on behalf of which they happened."""
    requests = {
        error.event.event_id: number
        for number, request in traced.items()
        for error in request.errors
        if number < shown_requests
    }
    return tuple(
        replace(
            row,
            trace_href=_trace_panel_href(address, row.trace_id)
            if row.trace_id in panels.traces
            else None,
            request_number=requests.get(row.event_id),
        )
        for row in errors
    )


def _request_error(
    error: SpanError, address: ReplayAddress, panels: PanelContents, trace_page: str
) -> RequestError:
    """Link to an error in its panel, or else to its page, or else to the trace that shows it."""
    event = error.event
    href = trace_page
    if event.event_id in panels.errors:
        href = address.panel("errors", row=f"error-{event.event_id}")
    elif event.issue_id is not None and not address.is_shared:
        href = issue_urls.issue_event(event.project_id, event.issue_id, event.event_id)
    return RequestError(event.title, error.side, KINDS.get(event.kind, "error"), href)


def _trace_panel_href(address: ReplayAddress, trace_id: TraceId | None) -> str:
    return address.panel("trace", row=f"trace-{trace_id}")
