"""Rows of the Trace panel: transactions and spans of the app and its backends on one axis."""

from dataclasses import dataclass

from app.core.ids import SpanId, TraceId


@dataclass(frozen=True, slots=True)
class SpanRow:
    """One span or transaction."""

    span_id: SpanId
    at_ms: int
    """Negative when it began before the replay."""
    duration_ms: int | None
    depth: int
    """0 for the root; children follow their parent."""
    op: str
    description: str
    status: str | None
    has_failed: bool
    project_name: str
    is_backend: bool
    is_transaction: bool


@dataclass(frozen=True, slots=True)
class TraceBlock:
    """The spans of one trace, parents before children, by start."""

    trace_id: TraceId
    name: str
    start_ms: int
    duration_ms: int
    spans: tuple[SpanRow, ...]
    hidden_spans: int = 0
    """Spans beyond what a page shows."""
