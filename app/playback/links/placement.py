"""Places events and log records on a clock by the spans they happened in; one rule for all pages.

    spans of a trace ─ sides ─ waterfall ─► TraceLayout ─┐
    event or log record ─► PlacedMoment ───────────────────────┴─► microseconds on the axis

A moment of a backend stands where its span stands, with whatever the span was moved by to lie
within its cause. If the span is not here, but its parent is, and the parent is another service's,
the moment lies within the parent. Everything else is placed by its sender's clock and drift.

Source: docs/protocol.md, sections 2.5 and 7.3.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.ids import ProjectId, SpanId, TraceId
from app.core.replay.replay_window import ReplayWindow
from app.formats.events.event import BACKEND_PLATFORMS
from app.issues.events.trace_events import TracedEvent
from app.issues.model import StoredEvent
from app.playback.links import replay_clock
from app.playback.links.replay_clock import Side
from app.traces import queries as traces, waterfall
from app.traces.model import StoredLog, StoredSpan
from app.traces.waterfall import PlacedSpan

_MICROSECOND: Final = timedelta(microseconds=1)
_SERVING: Final = ("http.server", "rpc.server", "grpc.server", "server", "consumer")
_SERVING_BELOW: Final = ("queue.process", "queue.task")

MomentPlacer = Callable[[datetime, int, Side], int]
"""Places a moment on an axis, in microseconds, by its sender's clock, drift and side."""


class PlacedMoment(NamedTuple):
    """The time of an event or log record by its sender's clock, and the span it happened in."""

    project_id: ProjectId
    platform: str | None
    at: datetime
    drift_ms: int
    trace_id: TraceId | None
    span_id: SpanId | None
    parent_span_id: SpanId | None = None


@dataclass(frozen=True, slots=True)
class TraceLayout:
    """The spans of one trace on an axis, and on which side each was made."""

    placed: tuple[PlacedSpan, ...]
    sides: Mapping[SpanId, Side]
    by_id: Mapping[SpanId, PlacedSpan]


_NO_SPANS: Final = TraceLayout((), {}, {})


class ReplayMoments(NamedTuple):
    """Moments that belong to a replay, and what places them on its clock."""

    window: ReplayWindow
    project_id: ProjectId
    """The project of the replay; items of other projects come from backends."""
    moments: Sequence[PlacedMoment]


def make_event_moment(event: StoredEvent | TracedEvent) -> PlacedMoment:
    """Return the time and the span of an event."""
    return PlacedMoment(
        event.project_id,
        event.platform,
        event.at,
        event.drift_ms,
        event.trace_id,
        event.span_id,
        event.parent_span_id,
    )


def make_log_moment(record: StoredLog, platform: str | None) -> PlacedMoment:
    """Return the time and the span of a log record."""
    return PlacedMoment(
        record.project_id,
        platform,
        record.at,
        record.drift_ms,
        record.trace_id,
        record.span_id,
    )


def make_replay_placer(window: ReplayWindow) -> MomentPlacer:
    """Return the placer for the clock of a replay that goes by the sender's clock alone."""

    def place(at: datetime, drift_ms: int, side: Side) -> int:
        return replay_clock.find_offset(window, at, drift_ms, made_by=side) // _MICROSECOND

    return place


async def place_in_replay(
    connection: AsyncConnection,
    window: ReplayWindow,
    project_id: ProjectId,
    moments: Sequence[PlacedMoment],
    project_ids: Sequence[ProjectId],
    *,
    replay_spans: Sequence[StoredSpan] | None = None,
) -> list[timedelta]:
    """Place moments on the clock of one replay.

    Args:
        connection: The connection to read spans with.
        window: The reach of the replay.
        project_id: The project of the replay.
        moments: The moments.
        project_ids: The projects whose spans the reader may see.
        replay_spans: All spans of the replay if they are read already, so that they are not read
            again.

    Returns:
        The offsets of the moments from the start of the replay, in the order given.
    """
    of_replay = ReplayMoments(window, project_id, moments)
    known_ids = frozenset[TraceId]() if replay_spans is None else window.trace_ids
    by_trace = await _read_spans(connection, [of_replay], project_ids, known_ids)
    for span in replay_spans or ():
        if span.trace_id in known_ids:
            by_trace[span.trace_id].append(span)
    return _place_moments(of_replay, by_trace)


async def place_in_replays(
    connection: AsyncConnection,
    asked: Sequence[ReplayMoments],
    project_ids: Sequence[ProjectId],
) -> list[list[timedelta]]:
    """Place moments on the clocks of their replays.

    Spans are read only if a backend has a moment that names one.

    Args:
        connection: The connection to read spans with.
        asked: The replays.
        project_ids: The projects whose spans the reader may see.

    Returns:
        For each replay the offsets of its moments from its start, in the order given.
    """
    by_trace = await _read_spans(connection, asked, project_ids, frozenset())
    return [_place_moments(of_replay, by_trace) for of_replay in asked]


def lay_out_trace(
    spans: Sequence[StoredSpan], place: MomentPlacer, home: ProjectId | None
) -> TraceLayout:
    """Lay the spans of a trace out on an axis.

    Args:
        spans: The spans of one trace, in any order.
        place: The function that places a span by its sender's clock.
        home: The project of the app, or None if it is not known.
    """
    # The side decides how a start is placed, so all sides are found first.
    sides = _find_sides(spans, home)
    placed = waterfall.lay_out_spans(
        spans, lambda span: place(span.started_at, span.drift_ms, sides[span.span_id])
    )
    return TraceLayout(
        tuple(placed), sides, {placed_span.span.span_id: placed_span for placed_span in placed}
    )


def place_moment(
    moment: PlacedMoment, layout: TraceLayout, place: MomentPlacer, home: ProjectId | None
) -> tuple[int, Side]:
    """Place a moment in a trace that is laid out.

    Returns:
        Microseconds on the axis, and the side on which it happened.
    """
    span = layout.by_id.get(moment.span_id) if moment.span_id else None
    if span is not None:
        side = layout.sides[span.span.span_id]
        if side == "backend" and span.span.project_id == moment.project_id:
            # Both were timed by one clock; their envelopes may have taken differently long.
            return span.start_us + (moment.at - span.span.started_at) // _MICROSECOND, side
        return place(moment.at, moment.drift_ms, side) + span.shift_us, side
    side = replay_clock.find_side(home or moment.project_id, moment.project_id, moment.platform)
    own_us = place(moment.at, moment.drift_ms, side)
    cause = layout.by_id.get(moment.parent_span_id) if moment.parent_span_id else None
    if side == "app" or cause is None or layout.sides[cause.span.span_id] == side:
        return own_us, side
    return own_us + waterfall.find_shift_into_us(cause, own_us), side


async def _read_spans(
    connection: AsyncConnection,
    asked: Sequence[ReplayMoments],
    project_ids: Sequence[ProjectId],
    known_ids: frozenset[TraceId],
) -> defaultdict[TraceId, list[StoredSpan]]:
    """Read the spans that moments may have happened in, except those of known traces."""
    windows = []
    for of_replay in asked:
        trace_ids = {
            moment.trace_id
            for moment in of_replay.moments
            if moment.trace_id and _needs_spans(moment, of_replay.project_id)
        }
        if trace_ids - known_ids:
            windows.append(replace(of_replay.window, trace_ids=frozenset(trace_ids - known_ids)))
    by_trace: defaultdict[TraceId, list[StoredSpan]] = defaultdict(list)
    if windows:
        for span in await traces.read_spans_of_traces(connection, windows, project_ids):
            by_trace[span.trace_id].append(span)
    return by_trace


def _place_moments(
    asked: ReplayMoments, by_trace: Mapping[TraceId, Sequence[StoredSpan]]
) -> list[timedelta]:
    window, home = asked.window, asked.project_id
    place = make_replay_placer(window)
    layouts: dict[TraceId, TraceLayout] = {}
    offsets = []
    for moment in asked.moments:
        layout = _NO_SPANS
        if moment.trace_id and _needs_spans(moment, home):
            if moment.trace_id not in layouts:
                spans = _keep_spans_of_window(by_trace.get(moment.trace_id, ()), window)
                layouts[moment.trace_id] = lay_out_trace(spans, place, home)
            layout = layouts[moment.trace_id]
        at_us, _ = place_moment(moment, layout, place, home)
        offsets.append(timedelta(microseconds=at_us))
    return offsets


def _keep_spans_of_window(spans: Sequence[StoredSpan], window: ReplayWindow) -> list[StoredSpan]:
    """Keep the spans that belong to a replay, by the rule of `read_spans_of_replay`."""
    return [
        span
        for span in spans
        if span.replay_id == window.replay_id
        or (
            span.replay_id is None
            and window.overlaps(span.started_at, span.ended_at, span.drift_ms)
        )
    ]


def _needs_spans(moment: PlacedMoment, home: ProjectId) -> bool:
    """Tell whether spans place a moment better than its sender's clock.

    The clock of an app is that of the phone, and so of the replay. A backend has its own.
    """
    is_backend = replay_clock.find_side(home, moment.project_id, moment.platform) == "backend"
    return is_backend and bool(moment.span_id or moment.parent_span_id)


def _find_sides(spans: Sequence[StoredSpan], home: ProjectId | None) -> dict[SpanId, Side]:
    """Find the side of each span; a span without a sign of its own has the side of its parent."""
    by_id = {span.span_id: span for span in spans}
    sides: dict[SpanId, Side] = {}
    for span in spans:
        chain: dict[SpanId, None] = {}
        at: StoredSpan | None = span
        side: Side | None = None
        while at is not None and side is None and at.span_id not in chain:
            side = sides.get(at.span_id) or _read_side(at, by_id, home)
            chain[at.span_id] = None
            at = by_id.get(at.parent_span_id) if at.parent_span_id else None
        for span_id in chain:
            sides.setdefault(span_id, side or "app")
    return sides


def _read_side(
    span: StoredSpan, by_id: Mapping[SpanId, StoredSpan], home: ProjectId | None
) -> Side | None:
    """Read the side from a span alone; None if it has no sign of it."""
    op = span.op or ""
    above = by_id.get(span.parent_span_id) if span.parent_span_id else None
    platform = span.platform
    is_backend = (
        (home is not None and span.project_id != home)
        or (above is not None and span.project_id != above.project_id and span.is_segment)
        or platform in BACKEND_PLATFORMS
        or (platform is None and span.service is not None)
        or op in _SERVING
        or op.startswith(_SERVING_BELOW)
    )
    return "backend" if is_backend else ("app" if platform else None)
