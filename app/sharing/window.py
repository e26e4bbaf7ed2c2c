"""Cuts everything that was read of a replay to the part that a share shows.

    asked          ├─────────┤            what happened: rows, taps, requests
    pictures    ├──┼─────────┼────┤       whole groups, since a player can decode no less
    shown       ├─────────────────┤       the length of the shared replay; its zero is here

All functions are pure. Times in their results count from the beginning of the part, so a page that
is built from them tells neither how long the replay is nor where the part lies in it.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final, Protocol

from app.core.replay.replay_range import ReplayRange
from app.feedback.model import FeedbackRecord
from app.playback.links import linked_traces, replay_clock
from app.playback.links.linked_traces import SpanError, Trace
from app.playback.recording.contents import ReplayContents, ScreenSpan
from app.playback.recording.gestures import Gesture
from app.playback.recording.outline import ReplayOutline
from app.playback.video.cut_index import cut_index
from app.playback.video.index_cache import PlayableReplay
from app.playback.video.widened_range import WidenedRange, widen_range
from app.playback.visit.model import (
    ReplayContext,
    ReplayErrors,
    ReplayFeedback,
    ReplayLogs,
    ReplayTraces,
)

_MS: Final = 1_000


class _Interval(Protocol):
    @property
    def start_ms(self) -> int: ...

    @property
    def end_ms(self) -> int: ...


@dataclass(frozen=True, slots=True)
class ShareWindow:
    """The part of a replay that a share shows, on the clock of the whole replay."""

    asked: ReplayRange
    """The range that the maker of the share chose; nothing that happened outside of it is shown."""
    shown: ReplayRange
    """The same range, widened to whole groups of pictures."""
    groups: WidenedRange | None
    """The groups of pictures in the range; None if it has no video."""

    def has(self, at_ms: int) -> bool:
        """Tell whether a moment on the clock of the whole replay lies in the part."""
        return self.asked.from_ms <= at_ms < self.asked.to_ms


def find_window(outline: ReplayOutline, asked: ReplayRange, *, zero_at_ms: int) -> ShareWindow:
    """Find the part of a replay that a range names.

    Args:
        outline: The replay as it is now.
        asked: The range on the player's clock, as it was when the range was chosen.
        zero_at_ms: The zero of that clock, in milliseconds since 1970. A segment that came late
            may have moved it, and the range must not move with it.
    """
    moved_ms = zero_at_ms - outline.zero_ms
    from_ms = max(0, asked.from_ms + moved_ms)
    asked = ReplayRange(from_ms, max(from_ms + 1, asked.to_ms + moved_ms))
    groups = widen_range(outline.playable.newest, asked)
    if groups is None:
        return ShareWindow(asked, asked, None)
    shown = ReplayRange(min(asked.from_ms, groups.from_ms), max(asked.to_ms, groups.to_ms))
    return ShareWindow(asked, shown, groups)


def cut_outline(outline: ReplayOutline, window: ShareWindow) -> ReplayOutline:
    """Cut the pictures of a replay, and let its clock begin with the part."""
    newest = cut_index(outline.playable.newest, window.groups, window.shown)
    return ReplayOutline(
        outline.replay,
        # Without segments, nothing can build an index of another version from it.
        PlayableReplay((), newest),
        "playing" if newest.gops else "no_video",
        outline.zero_ms + window.shown.from_ms,
        window.shown.length_ms,
        is_arriving=False,
    )


def cut_contents(
    contents: ReplayContents, window: ShareWindow, outline: ReplayOutline
) -> ReplayContents:
    """Cut the contents of the recordings.

    Args:
        contents: The recordings of the whole replay.
        window: The part.
        outline: The replay, cut to the part.
    """
    zero_ms = contents.outline.zero_ms
    return ReplayContents(
        outline=outline,
        segments=(),
        missing_ids=(),
        from_segment=0,
        earlier=(),
        unread=(),
        is_storage_away=contents.is_storage_away,
        breadcrumbs=tuple(
            crumb for crumb in contents.breadcrumbs if window.has(crumb.at_ms - zero_ms)
        ),
        gestures=cut_gestures(contents.gestures, window),
        spans=tuple(span for span in contents.spans if window.has(span.at_ms - zero_ms)),
        options=None,
        gaps=tuple(
            replace(gap, start_ms=start_ms, end_ms=end_ms)
            for gap in contents.gaps
            for start_ms, end_ms in _clip(gap, window, window.shown)
        ),
        conditions=tuple(
            replace(condition, start_ms=start_ms, end_ms=end_ms)
            for condition in contents.conditions
            for start_ms, end_ms in _clip(condition, window, window.asked)
        ),
        screens=tuple(
            ScreenSpan(start_ms, end_ms, screen.name)
            for screen in contents.screens
            for start_ms, end_ms in _clip(screen, window, window.asked)
        ),
    )


def cut_gestures(gestures: tuple[Gesture, ...], window: ShareWindow) -> tuple[Gesture, ...]:
    """Keep the gestures that begin in the part, each up to the end of the part."""
    kept: list[Gesture] = []
    for gesture in gestures:
        if not window.has(gesture.start_ms):
            continue
        points = [
            replace(point, at_ms=point.at_ms - window.shown.from_ms)
            for point in gesture.points
            if point.at_ms < window.asked.to_ms
        ]
        # A gesture has at least its first and its last point.
        last = points[-1:] if len(points) == 1 else []
        kept.append(replace(gesture, points=(*points, *last)))
    return tuple(kept)


def cut_errors(
    errors: ReplayErrors, window: ShareWindow, context: ReplayContext, *, zero_ms: int
) -> ReplayErrors:
    """Cut the errors; those without a place on the clock of the replay are left out.

    Args:
        errors: The errors of the whole replay that were read.
        window: The part.
        context: The replay, cut to the part.
        zero_ms: The time from the start of the replay to the player's zero before it was cut.
    """
    kept = [
        (linked, offset)
        for linked, offset in zip(errors.events.events, errors.offsets, strict=True)
        if (near_ms := replay_clock.near_replay_ms(context.window, offset)) is not None
        and window.has(near_ms - zero_ms)
    ]
    events = replace(
        errors.events,
        events=tuple(linked for linked, _ in kept),
        total=len(kept),
        first=1,
        next_place=None,
        is_at_least=False,
    )
    return ReplayErrors(context, events, tuple(offset for _, offset in kept))


def cut_logs(
    logs: ReplayLogs, window: ShareWindow, context: ReplayContext, *, zero_ms: int
) -> ReplayLogs:
    """Cut the log records, as `cut_errors` does with errors."""
    kept = tuple(
        placed
        for placed in logs.records.logs
        if window.has(round(placed.offset.total_seconds() * _MS) - zero_ms)
    )
    records = replace(logs.records, logs=kept, first=1, next_place=None)
    return ReplayLogs(context, records, replace(logs.count, number=len(kept), is_at_least=False))


def cut_traces(
    traces: ReplayTraces, window: ShareWindow, context: ReplayContext, *, zero_ms: int
) -> ReplayTraces:
    """Cut the traces to the spans that begin in the part; a trace without any is left out."""

    def has(start_us: int) -> bool:
        return window.has(start_us // _MS - zero_ms)

    kept = [cut for trace in traces.traces if (cut := _cut_trace(trace, has)) is not None]
    spans = tuple(row.placed.span for trace in kept for row in trace.rows)
    return replace(
        traces,
        context=context,
        spans=replace(traces.spans, spans=spans, first=1, total=len(spans), next_place=None),
        traces=tuple(kept),
    )


def cut_feedback(
    feedback: ReplayFeedback, window: ShareWindow, context: ReplayContext, *, zero_ms: int
) -> ReplayFeedback:
    """Cut the feedback, as `cut_errors` does with errors."""
    kept = tuple(
        record
        for record in feedback.feedback
        if window.has(_place_feedback(record, context) - zero_ms)
    )
    return ReplayFeedback(context, kept, len(kept))


def _clip(interval: _Interval, window: ShareWindow, to: ReplayRange) -> tuple[tuple[int, int], ...]:
    """Clip an interval to a range, on the clock of the part; returns nothing if none is left."""
    start_ms, end_ms = max(interval.start_ms, to.from_ms), min(interval.end_ms, to.to_ms)
    if start_ms >= end_ms:
        return ()
    zero_ms = window.shown.from_ms
    return ((start_ms - zero_ms, end_ms - zero_ms),)


def _cut_trace(trace: Trace, has: Callable[[int], bool]) -> Trace | None:
    rows = tuple(
        replace(row, errors=_cut_span_errors(row.errors, has))
        for row in trace.rows
        if has(row.placed.start_us)
    )
    without_span = _cut_span_errors(trace.without_span, has)
    if not rows and not without_span:
        return None
    starts = [row.placed.start_us for row in rows] or [error.at_us for error in without_span]
    ends = [row.placed.end_us or row.placed.start_us for row in rows] or starts
    return replace(
        trace,
        name=linked_traces.name_trace(rows, without_span),
        start_us=min(starts),
        end_us=max(ends),
        rows=rows,
        without_span=without_span,
    )


def _cut_span_errors(
    errors: tuple[SpanError, ...], has: Callable[[int], bool]
) -> tuple[SpanError, ...]:
    return tuple(error for error in errors if has(error.at_us))


def _place_feedback(record: FeedbackRecord, context: ReplayContext) -> int:
    """Return the moment of feedback, in milliseconds since the start of the replay."""
    made_by = replay_clock.find_side(context.key.project_id, record.project_id, record.platform)
    return replay_clock.find_offset_ms(context.window, record.at, record.drift_ms, made_by=made_by)
