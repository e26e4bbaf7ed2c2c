"""Waterfalls in words: the Trace panel of a replay, the page of a trace, the page of a span."""

from dataclasses import dataclass
from datetime import datetime

from app.core.ids import SpanId, TraceId
from app.web.words.panels.problems import ErrorKind, Source
from app.web.words.parts import ListPart


@dataclass(frozen=True, slots=True)
class SpanErrorMark:
    """An error on its span, or beside the spans if that is not here."""

    title: str
    source: Source
    kind: ErrorKind
    href: str | None
    at_ms: int
    x: str
    """Where the bar begins on its track, such as `12.5%`."""


@dataclass(frozen=True, slots=True)
class SpanRow:
    """One span; `x` and `wide` are its bar's place in the trace's time, as percentages."""

    span_id: SpanId
    href: str | None
    """The page with the data of the span; None if the reader may not open it."""
    at_ms: int
    """Negative when it began before the replay."""
    duration_ms: int | None
    took: str
    self_time: str | None
    """The self time; None if it is all of the time, or none of it."""
    depth: int
    """0 for the root; children follow their parent."""
    children: int
    op: str
    description: str
    status: str | None
    has_failed: bool
    service: str
    is_backend: bool
    is_transaction: bool
    is_parent_missing: bool
    slow: str | None
    """The reason why it is slow: `slow query: 500 ms or more`."""
    errors: tuple[SpanErrorMark, ...]
    x: str
    wide: str


@dataclass(frozen=True, slots=True)
class TraceBlock:
    """One trace, and the part of its rows that is shown."""

    trace_id: TraceId
    href: str
    name: str
    start_ms: int
    duration_ms: int
    total: int
    """Spans of the trace, shown or not."""
    errors: int
    slow: int
    services: tuple[str, ...]
    spans: tuple[SpanRow, ...]
    without_span: tuple[SpanErrorMark, ...]
    """Errors whose span is not here."""
    hidden_without_span: int
    """The number of further such errors, which the page of the trace shows."""
    notes: tuple[str, ...]
    """Sentences about corrected clocks and missing spans."""
    ticks: tuple[str, ...]
    """Times after the start, evenly spread over the track."""
    more_href: str | None
    """Leads to the spans after those shown."""
    next_spans: int
    """The number of spans that the link adds."""


@dataclass(frozen=True, slots=True)
class ReplayLink:
    """A replay that the trace runs through."""

    href: str
    project_name: str
    started_at: datetime


@dataclass(frozen=True, slots=True)
class TracePage:
    """One trace of app and backends."""

    trace: TraceBlock
    started_at: datetime | None
    replays: tuple[ReplayLink, ...]
    replay_href: str | None
    """The replay on whose clock the trace is shown; None shows it on its own."""
    rules: tuple[tuple[str, str], ...]
    """The rules of what counts as slow: `query`, `500 ms`."""
    parts: tuple[ListPart, ...] = ()
    """The part of its spans that is shown, and the part of its errors that is marked."""


@dataclass(frozen=True, slots=True)
class SpanPage:
    """The facts that a span states about itself."""

    trace_href: str
    span_id: SpanId
    data: tuple[tuple[str, str], ...]
