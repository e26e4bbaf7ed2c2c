"""Lays traces out as waterfalls with their errors, on their own clock or on that of a replay.

    spans ─► placement ─┐
    errors ─────────────┴─► Trace: rows with sides, errors, slow spans; what the clocks needed

Source: docs/protocol.md, sections 2.5 and 7.3.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.ids import EventId, ProjectId, SpanId, TraceId
from app.core.replay.replay_window import ReplayWindow
from app.issues.events import replay_events as errors, trace_events
from app.issues.events.replay_events import EventPlace
from app.issues.events.trace_events import TracedEvent, TracedEvents
from app.playback.links import placement
from app.playback.links.placement import MomentPlacer
from app.playback.links.replay_clock import Side
from app.traces import parts, queries, slow
from app.traces.model import StoredSpan
from app.traces.parts import BlockPlace
from app.traces.queries import LinkedSpans
from app.traces.slow import SlowRule
from app.traces.waterfall import PlacedSpan

_MICROSECOND: Final = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class SpanError:
    """An error of the trace, at its corrected time."""

    event: TracedEvent
    at_us: int
    side: Side


@dataclass(frozen=True, slots=True)
class TraceRow:
    """A span with the errors that are marked on it."""

    placed: PlacedSpan
    side: Side
    errors: tuple[SpanError, ...]
    slow: SlowRule | None


@dataclass(frozen=True, slots=True)
class ClockShift:
    """A service whose times were shifted, and the largest of these shifts."""

    project_id: ProjectId
    service: str | None
    shift_us: int


@dataclass(frozen=True, slots=True)
class Trace:
    """One trace on one axis."""

    trace_id: TraceId
    name: str
    start_us: int
    end_us: int
    rows: tuple[TraceRow, ...]
    without_span: tuple[SpanError, ...]
    """The errors whose span is not here."""
    clocks: tuple[ClockShift, ...]
    is_cut: bool = False
    """True if the trace may have more spans than the part that is read."""
    started_at: datetime | None = None
    """The zero of the axis by the server's clock; None on the clock of a replay."""

    @property
    def errors(self) -> int:
        """The number of errors of the trace."""
        return len(self.without_span) + sum(len(row.errors) for row in self.rows)


@dataclass(frozen=True, slots=True)
class _TraceAxis:
    """The axis on which all rows of a trace are placed."""

    place: MomentPlacer
    home: ProjectId | None
    """The project of the replay, if there is one; any other project is a backend's."""


@dataclass(frozen=True, slots=True)
class TracePart:
    """One trace, or as much of it as is read at once."""

    trace: Trace
    spans: LinkedSpans
    """The part of its spans that is read."""
    events: TracedEvents
    """The part of its errors that is marked."""


async def read_trace(
    connection: AsyncConnection,
    trace_id: TraceId,
    project_ids: Sequence[ProjectId],
    *,
    after: BlockPlace = parts.BEFORE_ALL,
    after_error: EventPlace = errors.BEFORE_ALL,
) -> TracePart | None:
    """Read one trace, its zero at its first span; None if nothing of it is stored.

    Args:
        connection: The connection to read with.
        trace_id: The trace.
        project_ids: The projects that the reader may see.
        after: The place after which spans are read.
        after_error: The place after which errors are read.
    """
    spans = await queries.read_spans_of_trace(connection, trace_id, project_ids, after=after)
    events = await trace_events.read_trace_events(
        connection, trace_id, project_ids, after=after_error
    )
    moments = [_correct_time(span.started_at, span.drift_ms) for span in spans.spans]
    moments = moments or [_correct_time(event.at, event.drift_ms) for event in events.events]
    if not moments:
        return None
    zero = min(moments)

    def place(at: datetime, drift_ms: int, _side: Side) -> int:
        return (_correct_time(at, drift_ms) - zero) // _MICROSECOND

    axis = _TraceAxis(place, None)
    trace = _lay_out_trace(trace_id, spans.spans, events.events, axis, is_cut=not spans.is_whole)
    return TracePart(replace(trace, started_at=zero), spans, events)


async def lay_out_replay_traces(
    connection: AsyncConnection,
    window: ReplayWindow,
    project_id: ProjectId,
    *,
    spans: LinkedSpans,
    events: Iterable[tuple[ProjectId, EventId]],
) -> tuple[Trace, ...]:
    """Lay the traces of a replay out on its clock, in the order of their start.

    Args:
        connection: The connection to look up the spans of errors with.
        window: The reach of the replay.
        project_id: The project of the replay.
        spans: The spans of the replay, or a part of them.
        events: The errors of the replay.
    """
    marks: defaultdict[TraceId, list[TracedEvent]] = defaultdict(list)
    for event in await trace_events.read_events(connection, list(events)):
        if event.trace_id is not None:
            marks[event.trace_id].append(event)
    axis = _TraceAxis(placement.make_replay_placer(window), project_id)
    by_trace: defaultdict[TraceId, list[StoredSpan]] = defaultdict(list)
    for span in spans.spans:
        by_trace[span.trace_id].append(span)
    traces = [
        _lay_out_trace(trace_id, of_trace, marks[trace_id], axis, is_cut=not spans.is_whole)
        for trace_id, of_trace in by_trace.items()
    ]
    return tuple(sorted(traces, key=lambda trace: (trace.start_us, trace.trace_id)))


def _lay_out_trace(
    trace_id: TraceId,
    spans: Sequence[StoredSpan],
    events: Iterable[TracedEvent],
    axis: _TraceAxis,
    *,
    is_cut: bool,
) -> Trace:
    layout = placement.lay_out_trace(spans, axis.place, axis.home)
    placed, sides = layout.placed, layout.sides
    marks: defaultdict[SpanId | None, list[SpanError]] = defaultdict(list)
    for event in events:
        span_id = event.span_id if event.span_id in layout.by_id else None
        moment = placement.make_event_moment(event)
        at_us, side = placement.place_moment(moment, layout, axis.place, axis.home)
        marks[span_id].append(SpanError(event, at_us, side))
    rows = tuple(
        _make_row(placed_span, sides[placed_span.span.span_id], marks) for placed_span in placed
    )
    without_span = tuple(marks[None])
    starts = [placed_span.start_us for placed_span in placed] or [
        error.at_us for error in without_span
    ]
    ends = [placed_span.end_us or placed_span.start_us for placed_span in placed] or starts
    return Trace(
        trace_id,
        name_trace(rows, without_span),
        min(starts),
        max(ends),
        rows,
        without_span,
        _find_clock_shifts(placed),
        is_cut,
    )


def _make_row(
    placed: PlacedSpan, side: Side, marks: Mapping[SpanId | None, Sequence[SpanError]]
) -> TraceRow:
    rule = slow.find_slow_rule(
        placed.span.op,
        duration_ms=(placed.duration_us or 0) // 1000,
        self_ms=placed.self_us // 1000,
        is_backend=side == "backend",
    )
    return TraceRow(placed, side, tuple(marks.get(placed.span.span_id, ())), rule)


def name_trace(rows: Sequence[TraceRow], without_span: Sequence[SpanError]) -> str:
    """Name a trace after its first transaction, or else its first span, or else its first error."""
    first = next((row for row in rows if row.placed.span.is_segment), rows[0] if rows else None)
    if first is None:
        return without_span[0].event.title if without_span else "unnamed"
    return first.placed.span.description or first.placed.span.op or "unnamed"


def _find_clock_shifts(placed: Iterable[PlacedSpan]) -> tuple[ClockShift, ...]:
    """List the services whose times were shifted, with the largest shift of each."""
    largest: dict[tuple[ProjectId, str | None], int] = {}
    for span in placed:
        key = (span.span.project_id, span.span.service)
        if abs(span.shift_us) > abs(largest.get(key, 0)):
            largest[key] = span.shift_us
    return tuple(ClockShift(*key, shift_us) for key, shift_us in largest.items())


def _correct_time(at: datetime, drift_ms: int) -> datetime:
    return at + timedelta(milliseconds=drift_ms)
