"""Builds the page of a trace on the clock of a replay."""

from app.core.errors import NotFound
from app.core.ids import TraceId
from app.playback.visit.model import ReplayTraces
from app.web.frame import trace_parts
from app.web.replay.panels import list_parts
from app.web.replay.panels.trace_context import make_trace_context
from app.web.urls.replay_address import ReplayAddress
from app.web.words.trace import spans
from app.web.words.trace.trace_rows import TracePage


async def build_trace_page(
    traces: ReplayTraces, address: ReplayAddress, trace_id: TraceId, *, after: str, first: int
) -> TracePage:
    """Describe one trace of a replay.

    Args:
        traces: The traces that a part of the spans makes.
        address: The addresses of the replay.
        trace_id: The trace.
        after: The place after which this part begins, as the address has it.
        first: Number of spans to skip.

    Raises:
        NotFound: No span of this part is in the trace.
    """
    trace = next((trace for trace in traces.traces if trace.trace_id == trace_id), None)
    if trace is None:
        raise NotFound("no such trace in this replay")
    context = traces.context
    block = await trace_parts.describe_trace(
        trace, make_trace_context(context, address, after=after), first
    )
    parts = (list_parts.span_part(address, traces), list_parts.error_part(address, traces.events))
    return TracePage(
        block,
        started_at=None,
        replays=(),
        replay_href=address.href,
        rules=spans.list_slow_rules(),
        parts=tuple(part for part in parts if part),
    )
