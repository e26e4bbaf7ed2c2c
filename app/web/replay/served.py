"""What backends did for the requests of a replay, as data for its timeline."""

from collections.abc import Iterable

import msgspec

from app.playback.links.linked_traces import Trace, TraceRow
from app.web.words.spans import Surroundings, row_of
from app.web.words.traces import SpanRow


class Request(msgspec.Struct):
    """The request of the app that a backend answered."""

    at_ms: int
    took_ms: int


class Served(msgspec.Struct):
    """The first span of a backend's part of a trace; it hangs under its request."""

    at_ms: int
    took_ms: int
    service: str
    op: str
    name: str
    failed: bool
    slow: str | None
    request: Request | None
    """None where the app's span is not here."""


def served(found: Iterable[Trace], around: Surroundings) -> list[Served]:
    """Pick the spans with which backends come in, in the order of their start.

    They are no more than the spans of the part that the Trace panel shows and names.
    """
    picked = [
        _served(row, above, trace, around) for trace in found for row, above in _entries(trace)
    ]
    return sorted(picked, key=lambda one: one.at_ms)


def _entries(trace: Trace) -> Iterable[tuple[TraceRow, TraceRow | None]]:
    """Pick the rows of a backend whose parent is an app's, or is not here."""
    rows = {row.placed.span.span_id: row for row in trace.rows}
    for row in trace.rows:
        parent_id = row.placed.span.parent_span_id
        above = rows.get(parent_id) if parent_id else None
        if row.side == "backend" and (above is None or above.side == "app"):
            yield row, above


def _served(row: TraceRow, above: TraceRow | None, trace: Trace, around: Surroundings) -> Served:
    told: SpanRow = row_of(row, trace, around)
    cause = None if above is None else row_of(above, trace, around)
    return Served(
        at_ms=told.at_ms,
        took_ms=told.duration_ms or 0,
        service=told.service,
        op=told.op,
        name=told.description,
        failed=told.has_failed or bool(told.errors),
        slow=told.slow,
        request=None if cause is None else Request(cause.at_ms, cause.duration_ms or 0),
    )
