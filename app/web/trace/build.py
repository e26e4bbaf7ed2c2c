"""Builds the page of a trace, and the page of a span."""

from app.core.ids import SpanId, TraceId
from app.formats.jsonish import JsonObject
from app.issues.events import trace_events
from app.playback.links.linked_traces import SpanError, TracePart
from app.playback.trace_page import TracePageData
from app.traces.parts import PART_OF_TRACE
from app.web.frame import part_cursors, trace_parts
from app.web.urls import issue_urls, replay_urls
from app.web.words.parts import ERROR_ORDER, ListPart, describe_part
from app.web.words.trace import spans
from app.web.words.trace.spans import TraceContext
from app.web.words.trace.trace_rows import ReplayLink, SpanPage, TracePage


async def build_trace_page(
    data: TracePageData, *, first: int, after: str, after_error: str
) -> TracePage:
    """Describe a trace on its own clock.

    Args:
        data: The trace and its replays.
        first: Number of spans of this part to skip.
        after: The place after which spans are read, as the address has it.
        after_error: The place after which errors are read, as the address has it.
    """
    trace = data.part.trace
    context = TraceContext(
        data.project_names,
        zero_ms=0,
        error_href=_find_error_href,
        trace_href=lambda trace_id, following: replay_urls.trace(
            trace_id, first=following, after=after, after_error=after_error
        ),
    )
    links = {
        replay.key.replay_id: ReplayLink(
            replay_urls.replay(replay.key.project_id, replay.key.replay_id),
            data.project_names[replay.key.project_id],
            replay.started_at,
        )
        for replay in data.replays
    }
    return TracePage(
        await trace_parts.describe_trace(trace, context, first),
        trace.started_at,
        tuple(links.values()),
        None,
        spans.list_slow_rules(),
        parts=_describe_parts(data.part, after=after, after_error=after_error),
    )


def build_span_page(trace_id: TraceId, span_id: SpanId, data: JsonObject) -> SpanPage:
    """Describe what a span says of itself."""
    return SpanPage(replay_urls.trace(trace_id), span_id, spans.list_span_data(data))


def _find_error_href(error: SpanError) -> str | None:
    """Return the page of an error in its issue; one that is not grouped yet has none."""
    event = error.event
    if event.issue_id is None:
        return None
    return issue_urls.issue_event(event.project_id, event.issue_id, event.event_id)


def _describe_parts(part: TracePart, *, after: str, after_error: str) -> tuple[ListPart, ...]:
    """Say which part of the spans is shown and which part of the errors is marked, if not all."""
    trace_id, block_place, event_place = (
        part.trace.trace_id,
        part.spans.next_place,
        part.events.next_place,
    )
    parts = (
        describe_part(
            "span",
            first=part.spans.first,
            shown=len(part.spans.spans),
            total=part.spans.total,
            size=PART_OF_TRACE,
            is_about=True,
            next_href=replay_urls.trace(
                trace_id,
                after=part_cursors.write_block_place(block_place),
                after_error=after_error,
            )
            if block_place
            else None,
        ),
        describe_part(
            "error",
            first=part.events.first,
            shown=len(part.events.events),
            total=part.events.total,
            size=trace_events.PART_EVENTS,
            is_at_least=part.events.is_at_least,
            next_href=replay_urls.trace(
                trace_id,
                after=after,
                after_error=part_cursors.write_event_place(event_place),
            )
            if event_place
            else None,
            order=ERROR_ORDER,
        ),
    )
    return tuple(each for each in parts if each)
