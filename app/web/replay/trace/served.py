"""Lists the spans with which backends answered the requests of a replay, for its timeline."""

from collections.abc import Iterable

import msgspec

from app.playback.links.linked_traces import Trace, TraceRow
from app.playback.visit.model import ReplayTraces
from app.web.replay.panels.trace_context import make_trace_context
from app.web.urls.replay_address import ReplayAddress
from app.web.words.trace.spans import TraceContext, describe_span


class ServedRequest(msgspec.Struct):
    """The request of the app that a backend answered."""

    at_ms: int
    took_ms: int


class ServedSpan(msgspec.Struct):
    """The first span of a backend's part of a trace; the timeline draws it below its request."""

    at_ms: int
    took_ms: int
    service: str
    op: str
    name: str
    failed: bool
    slow: str | None
    request: ServedRequest | None
    """None if the span of the app is not here."""


def list_backend_spans(traces: ReplayTraces, address: ReplayAddress) -> list[ServedSpan]:
    """List the first span of each backend's part of a trace, in the order of their start.

    They are taken from the part of the spans that the Trace panel shows and names.
    """
    context = make_trace_context(traces.context, address)
    spans = [
        _describe_span(row, cause, trace, context)
        for trace in traces.traces
        for row, cause in _find_entries(trace)
    ]
    return sorted(spans, key=lambda span: span.at_ms)


def _find_entries(trace: Trace) -> Iterable[tuple[TraceRow, TraceRow | None]]:
    """Find the rows of a backend whose parent is the app's, or is not here."""
    rows = {row.placed.span.span_id: row for row in trace.rows}
    for row in trace.rows:
        parent_id = row.placed.span.parent_span_id
        parent = rows.get(parent_id) if parent_id else None
        if row.side == "backend" and (parent is None or parent.side == "app"):
            yield row, parent


def _describe_span(
    row: TraceRow, cause: TraceRow | None, trace: Trace, context: TraceContext
) -> ServedSpan:
    span = describe_span(row, trace, context)
    request = None if cause is None else describe_span(cause, trace, context)
    return ServedSpan(
        at_ms=span.at_ms,
        took_ms=span.duration_ms or 0,
        service=span.service,
        op=span.op,
        name=span.description,
        failed=span.has_failed or bool(span.errors),
        slow=span.slow,
        request=None if request is None else ServedRequest(request.at_ms, request.duration_ms or 0),
    )
