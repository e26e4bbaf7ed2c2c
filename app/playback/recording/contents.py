"""Merges the segments of a replay and their recordings into what its page shows.

    playable segments ─ index ─► ReplayOutline ─ gaps and their causes ─┐
    segments ─ unpack ─ activity of each ─ merge ───────────────────────┴─► ReplayContents

Times inside `Breadcrumb` and `NetworkSpan` are milliseconds since 1970. `outline.zero_ms` is the
replay's zero on that scale, the same one that the player counts from.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from app.core import log, units
from app.core.errors import ServiceUnavailable
from app.core.replay.replay_range import ReplayRange
from app.db.engine import Database
from app.formats import bodies
from app.formats.jsonish import JsonObject
from app.formats.replay.activity import Breadcrumb, NetworkSpan
from app.playback.recording import conditions, gaps, gestures, merging, recorded_segments
from app.playback.recording.conditions import DeviceCondition
from app.playback.recording.gaps import ExplainedGap
from app.playback.recording.gestures import Gesture
from app.playback.recording.outline import ReplayOutline
from app.playback.recording.recorded_segments import RecordedSegment
from app.playback.video import index
from app.replays.model import Segment
from app.storage.port import ObjectStore

_log: Final = log.get_logger("playback.recordings")


@dataclass(frozen=True, slots=True)
class ScreenSpan:
    """A screen from its first moment on the replay clock to its last."""

    start_ms: int
    end_ms: int
    name: str


@dataclass(frozen=True, slots=True)
class ReplayContents:
    """The recordings of one replay, read and merged."""

    outline: ReplayOutline
    segments: tuple[Segment, ...]
    missing_ids: tuple[int, ...]
    from_segment: int
    """The first segment whose recording is read."""
    earlier: tuple[Segment, ...]
    """Segments before the part that is read."""
    unread: tuple[Segment, ...]
    """Segments after the part that is read, if all recordings are too large to be read at once, or
    the storage does not answer."""
    is_storage_away: bool
    """True if recordings are missing because the storage does not answer."""
    breadcrumbs: tuple[Breadcrumb, ...]
    gestures: tuple[Gesture, ...]
    """Each gesture has at least its first and its last point."""
    spans: tuple[NetworkSpan, ...]
    options: JsonObject | None
    """The SDK's replay settings, from the first segment that carries them."""
    gaps: tuple[ExplainedGap, ...]
    conditions: tuple[DeviceCondition, ...]
    screens: tuple[ScreenSpan, ...]
    """Screens that the segments name, for replays whose breadcrumbs name none."""


async def read_contents(
    database: Database,
    store: ObjectStore,
    outline: ReplayOutline,
    *,
    from_segment: int = 0,
    needs_storage: bool = False,
) -> ReplayContents:
    """Read the recordings of a replay, and merge them.

    Args:
        database: The database.
        store: The store with the recordings of sealed replays.
        outline: The replay.
        from_segment: The first segment whose recording is read; 64 MiB are read at once.
        needs_storage: True to raise when the storage does not answer. A page shows everything
            else in that case.

    Raises:
        ServiceUnavailable: Postgres does not answer, or storage that is needed does not.
    """
    replay, playable = outline.replay, outline.playable
    async with database.reading() as connection:
        segments = await recorded_segments.read_rows(connection, replay, from_segment=from_segment)
    is_storage_away = False
    try:
        segments = await recorded_segments.fetch_recordings(store, segments)
    except ServiceUnavailable as error:
        if needs_storage:
            raise
        _log.warning("recordings_not_read", replay=replay.key.replay_id, error=str(error))
        is_storage_away = True

    def unpack() -> ReplayContents:
        is_first_part = from_segment == 0 and not is_storage_away
        cached_gestures = playable.gestures if is_first_part else None
        # Touches are most of a recording: they are read once, and kept for all who ask later.
        recorded = recorded_segments.read_recordings(
            segments, from_segment=from_segment, with_touches=cached_gestures is None
        )
        if cached_gestures is not None:
            return assemble_contents(outline, recorded, gestures.decode_gestures(cached_gestures))
        found_gestures = gestures.read_gestures(recorded, zero_ms=outline.zero_ms)
        if is_first_part:
            playable.keep_gestures(gestures.encode_gestures(found_gestures))
        return assemble_contents(
            outline,
            recorded,
            found_gestures,
            from_segment=from_segment,
            is_storage_away=is_storage_away,
        )

    # Hundreds of recordings take a while to unpack: not on the event loop.
    return await asyncio.to_thread(unpack)


def find_first_unread(found: ReplayContents, wanted: ReplayRange) -> int | None:
    """Return the segment from which recordings must be read to have those of a range.

    Args:
        found: The recordings that were read, from the first segment on.
        wanted: The range.

    Returns:
        None if they are all among those that were read.
    """
    zero_ms = found.outline.zero_ms

    def begins_at(segment: Segment) -> int:
        return units.ms_from_at(segment.started_at) - zero_ms

    if all(begins_at(segment) >= wanted.to_ms for segment in found.unread):
        return None
    before = [
        segment.segment_id for segment in found.segments if begins_at(segment) <= wanted.from_ms
    ]
    # What happened at the end of a segment may be noted in the one after it, and the other way.
    return max(0, max(before, default=0) - 1)


def hide_bodies(found: ReplayContents) -> ReplayContents:
    """Take the bodies of requests and answers out of spans and breadcrumbs."""
    return replace(
        found,
        breadcrumbs=tuple(
            replace(breadcrumb, data=bodies.hide_bodies(breadcrumb.data))
            for breadcrumb in found.breadcrumbs
        ),
        spans=tuple(replace(span, data=bodies.hide_bodies(span.data)) for span in found.spans),
    )


def assemble_contents(
    outline: ReplayOutline,
    recorded: Sequence[RecordedSegment],
    found_gestures: tuple[Gesture, ...] = (),
    *,
    from_segment: int = 0,
    is_storage_away: bool = False,
) -> ReplayContents:
    """Merge the segments of a replay into what its page shows.

    Args:
        outline: The replay.
        recorded: Its segments with their recordings.
        found_gestures: Its gestures.
        from_segment: The first segment whose recording is read.
        is_storage_away: True if recordings are missing because the storage does not answer.
    """
    playable, zero_ms, duration_ms = outline.playable, outline.zero_ms, outline.duration_ms
    segments = [each.segment for each in recorded]
    activities = [each.activity for each in recorded]
    breadcrumbs = merging.merge_breadcrumbs(activity.breadcrumbs for activity in activities)
    stored_ids = {segment.segment_id for segment in segments}
    return ReplayContents(
        outline=outline,
        segments=tuple(segments),
        missing_ids=tuple(gaps.find_missing_ids(stored_ids)),
        from_segment=from_segment,
        earlier=tuple(segment for segment in segments if segment.segment_id < from_segment),
        unread=tuple(
            each.segment
            for each in recorded
            if not each.is_read and each.segment.segment_id >= from_segment
        ),
        is_storage_away=is_storage_away,
        breadcrumbs=breadcrumbs,
        gestures=found_gestures,
        spans=merging.merge_spans(activity.spans for activity in activities),
        options=next((activity.options for activity in activities if activity.options), None),
        gaps=gaps.explain_gaps(
            _find_all_gaps(playable.newest, duration_ms) if playable.newest.gops else (),
            playable=playable.segments,
            stored_ids=stored_ids,
            breadcrumbs=breadcrumbs,
            zero_ms=zero_ms,
        ),
        conditions=conditions.find_conditions(
            breadcrumbs, zero_ms=zero_ms, duration_ms=duration_ms
        ),
        screens=lay_out_segment_screens(segments, zero_ms=zero_ms, duration_ms=duration_ms),
    )


def lay_out_segment_screens(
    segments: Sequence[Segment], *, zero_ms: int, duration_ms: int
) -> tuple[ScreenSpan, ...]:
    """Lay out the screens that segments name, which say in which segment but not when.

    The screens of one segment share its time evenly; a screen named again at once goes on.
    """
    starts: list[tuple[int, str]] = []
    for segment in sorted(segments, key=lambda segment: (segment.started_at, segment.segment_id)):
        start_ms = units.ms_from_at(segment.started_at) - zero_ms
        length_ms = units.ms_from_at(segment.ended_at) - zero_ms - start_ms
        for number, name in enumerate(segment.screens):
            if not starts or starts[-1][1] != name:
                at_ms = start_ms + length_ms * number // len(segment.screens)
                starts.append((min(max(0, at_ms), duration_ms), name))
    ends_ms = [*(at_ms for at_ms, _ in starts[1:]), duration_ms]
    return tuple(
        ScreenSpan(start_ms, end_ms, name)
        for (start_ms, name), end_ms in zip(starts, ends_ms, strict=False)
        if end_ms > start_ms
    )


def _find_all_gaps(built: index.PlaybackIndex, duration_ms: int) -> tuple[index.Gap, ...]:
    """Return the gaps between pictures, and the one after the last picture."""
    if duration_ms - built.duration_ms > index.MIN_GAP_MS:
        return (*built.gaps, index.Gap(built.duration_ms, duration_ms))
    return built.gaps
