"""Gives the traces of a replay their clock and their addresses."""

from app.core.ids import TraceId
from app.playback.links.linked_traces import SpanError
from app.playback.visit.model import ReplayContext
from app.web.urls import replay_urls
from app.web.words.trace.spans import TraceContext


def make_trace_context(context: ReplayContext, *, after: str = "") -> TraceContext:
    """Return the names, the clock and the links with which the traces of a replay are described.

    Args:
        context: The replay.
        after: The place after which its spans are read, as the address has it.
    """
    key = context.key
    replay_href = replay_urls.replay(key.project_id, key.replay_id)

    def error_href(error: SpanError) -> str:
        return f"{replay_href}?tab=errors#error-{error.event.event_id}"

    def trace_href(trace_id: TraceId, first: int) -> str:
        return replay_urls.trace_in(
            key.project_id, key.replay_id, trace_id, first=first, after=after
        )

    return TraceContext(context.project_names, context.zero_ms, error_href, trace_href)
