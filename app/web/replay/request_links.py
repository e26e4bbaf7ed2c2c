"""Where requests, traces and errors of a replay lead to one another."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from app.core import units
from app.core.ids import EventId, TraceId
from app.playback.links.linked_traces import SpanError
from app.playback.links.request_traces import RequestTrace, match_request_traces
from app.playback.visit import ReplayPageData
from app.replays.model import ReplayKey
from app.web.replay.requests import requests_of
from app.web.urls import issue_urls, replay_urls
from app.web.words.activity import RequestError, RequestLinks
from app.web.words.problems import KINDS, ErrorRow
from app.web.words.spans import MOST_TRACES


@dataclass(frozen=True, slots=True)
class PanelContents:
    """What stands in the panels of a replay's page, so that a link can lead to it."""

    errors: frozenset[EventId]
    traces: frozenset[TraceId]


NO_PANELS: Final = PanelContents(frozenset(), frozenset())
"""What a page without panels shows."""


def find_request_traces(found: ReplayPageData) -> dict[int, RequestTrace]:
    """Find the traces of the requests of a replay, by the number of the request."""
    return match_request_traces(
        requests_of(found.activity.contents.spans),
        found.traces.traces,
        started_ms=units.ms_from_at(found.activity.head.context.window.started_at),
    )


def panel_contents(found: ReplayPageData, errors: Sequence[ErrorRow]) -> PanelContents:
    """Tell what stands in the panels when these errors do."""
    return PanelContents(
        frozenset(row.event_id for row in errors),
        frozenset(trace.trace_id for trace in found.traces.traces[:MOST_TRACES]),
    )


def request_links(
    traced: Mapping[int, RequestTrace], key: ReplayKey, panels: PanelContents
) -> dict[int, RequestLinks]:
    """Write the addresses that requests lead on to, by the number of the request."""
    here = replay_urls.replay(key.project_id, key.replay_id)

    def links_of(request: RequestTrace) -> RequestLinks:
        page = replay_urls.trace_in(key.project_id, key.replay_id, request.trace_id)
        is_shown = request.trace_id in panels.traces
        return RequestLinks(
            trace_href=_in_trace_panel(here, request.trace_id) if is_shown else page,
            trace_page_href=page,
            errors=tuple(_error(error, here, panels, page) for error in request.errors),
        )

    return {number: links_of(request) for number, request in traced.items()}


def link_errors(
    errors: Sequence[ErrorRow],
    traced: Mapping[int, RequestTrace],
    key: ReplayKey,
    panels: PanelContents,
    *,
    shown_requests: int,
) -> tuple[ErrorRow, ...]:
    """Let errors lead to their trace, and to the request that they happened on behalf of."""
    here = replay_urls.replay(key.project_id, key.replay_id)
    requests = {
        error.event.event_id: number
        for number, request in traced.items()
        for error in request.errors
        if number < shown_requests
    }
    return tuple(
        replace(
            row,
            trace_href=_in_trace_panel(here, row.trace_id)
            if row.trace_id in panels.traces
            else None,
            request_number=requests.get(row.event_id),
        )
        for row in errors
    )


def _error(error: SpanError, here: str, panels: PanelContents, trace_page: str) -> RequestError:
    """Lead to an error in its panel, or else to its page, or else to the trace that shows it."""
    event = error.event
    href = trace_page
    if event.event_id in panels.errors:
        href = f"{here}?tab=errors#error-{event.event_id}"
    elif event.issue_id is not None:
        href = issue_urls.issue_event(event.project_id, event.issue_id, event.event_id)
    return RequestError(event.title, error.side, KINDS.get(event.kind, "error"), href)


def _in_trace_panel(here: str, trace_id: TraceId | None) -> str:
    return f"{here}?tab=trace#trace-{trace_id}"
