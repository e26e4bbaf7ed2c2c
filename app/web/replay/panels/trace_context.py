"""Gives the traces of a replay their clock and their addresses."""

from app.core.ids import TraceId
from app.playback.links.linked_traces import SpanError
from app.playback.visit.model import ReplayContext
from app.web.urls.replay_address import ReplayAddress
from app.web.words.trace.spans import TraceContext


def make_trace_context(
    context: ReplayContext, address: ReplayAddress, *, after: str = ""
) -> TraceContext:
    """Return the names, the clock and the links with which the traces of a replay are described.

    Args:
        context: The replay.
        address: The addresses of the replay.
        after: The place after which its spans are read, as the address has it.
    """

    def error_href(error: SpanError) -> str:
        return address.panel("errors", row=f"error-{error.event.event_id}")

    def trace_href(trace_id: TraceId, first: int) -> str:
        return address.trace(trace_id, first=first, after=after)

    return TraceContext(
        context.project_names,
        context.zero_ms,
        error_href,
        trace_href,
        has_span_pages=not address.is_shared,
    )
