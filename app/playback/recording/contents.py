"""Puts together what the page of a replay shows, out of its segments and their recordings.

    playable segments ─ index ─► Outline ─ gaps ─ reasons ─┐
    segments ─ unpack ─ activity of each ─ merge ──────────┴─► Contents

Times inside `Breadcrumb` and `NetworkSpan` are milliseconds since 1970; `zero_ms` is the replay's
zero on that scale, the same one the player counts from.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from sqlalchemy.ext.asyncio import AsyncConnection

from app.core import units
from app.formats.jsonish import JsonObject
from app.formats.replay.activity import Breadcrumb, NetworkSpan
from app.playback.recording import conditions, gaps, gestures, merging, recorded_segments
from app.playback.recording.conditions import Condition
from app.playback.recording.gaps import ExplainedGap
from app.playback.recording.gestures import Gesture
from app.playback.recording.recorded_segments import RecordedSegment
from app.playback.video import index
from app.playback.video.index_cache import IndexCache, PlayableReplay
from app.replays.model import Replay, Segment

ReplayState = Literal["playing", "processing", "no_video", "live"]

FRESH_MS: Final = 30_000
"""A replay that got a segment within this time may go on."""
_JAVASCRIPT_SDKS: Final = "sentry.javascript."
_VIDEO_SDKS: Final = frozenset({"sentry.javascript.react-native"})
"""Those of them whose replays are recorded by the phone."""


@dataclass(frozen=True, slots=True)
class ScreenSpan:
    """A screen from its first moment on the replay clock to its last."""

    start_ms: int
    end_ms: int
    name: str


@dataclass(frozen=True, slots=True)
class ReplayOutline:
    """A replay before its recordings are read: enough for what stands around its picture."""

    replay: Replay
    playable: PlayableReplay
    state: ReplayState
    zero_ms: int
    duration_ms: int
    is_arriving: bool
    """Whether more segments may come."""

    def size_px_at(self, at_ms: int) -> tuple[int, int] | None:
        """Return width and height of the picture due at a time; None without pictures."""
        built = self.playable.newest
        if not built.gops:
            return None
        config = built.configs[built.gops[built.gop_at(at_ms)].config]
        is_turned = config.rotation_degrees % 180 != 0
        size_px = (config.width, config.height)
        return size_px[::-1] if is_turned else size_px


@dataclass(frozen=True, slots=True)
class ReplayContents:
    """One replay, read and merged."""

    replay: Replay
    state: ReplayState
    zero_ms: int
    duration_ms: int
    segments: tuple[Segment, ...]
    missing_ids: tuple[int, ...]
    from_segment: int
    """The first segment whose recording is read."""
    earlier: tuple[Segment, ...]
    """Segments before the part that is read."""
    unread: tuple[Segment, ...]
    """Segments after it: all recordings are too large to be read at once."""
    breadcrumbs: tuple[Breadcrumb, ...]
    gestures: tuple[Gesture, ...]
    """What fingers did; of each gesture the first and the last point at least."""
    spans: tuple[NetworkSpan, ...]
    options: JsonObject | None
    """The SDK's replay settings, from the first segment that carries them."""
    gaps: tuple[ExplainedGap, ...]
    conditions: tuple[Condition, ...]
    screens: tuple[ScreenSpan, ...]
    """Screens as the segments name them, for replays whose breadcrumbs name none."""


async def read_outline(
    connection: AsyncConnection, replay: Replay, *, index_cache: IndexCache, now: datetime
) -> ReplayOutline:
    """Find out what is known of a replay without its recordings.

    Args:
        connection: Where to read.
        replay: Its row, read just now.
        index_cache: Where its playback index is kept.
        now: The server's time, to tell a live replay.
    """
    return make_outline(replay, await index_cache.read_over(connection, replay), now)


def make_outline(replay: Replay, playable: PlayableReplay, now: datetime) -> ReplayOutline:
    """Put the outline of a replay together."""
    has_video = bool(playable.newest.gops)
    zero_ms = playable.newest.started_at_ms if has_video else units.ms_from_at(replay.started_at)
    ended_ms = units.ms_from_at(replay.ended_at)
    duration_ms = max(0, ended_ms - zero_ms, playable.newest.duration_ms)
    state = state_of(replay, has_video=has_video, now=now)
    return ReplayOutline(
        replay, playable, state, zero_ms, duration_ms, is_arriving(replay, now=now)
    )


async def read_contents(
    connection: AsyncConnection, known: ReplayOutline, *, from_segment: int = 0
) -> ReplayContents:
    """Read everything that the page of a replay shows of the replay itself.

    Args:
        connection: Where to read.
        known: The outline of the replay.
        from_segment: The first segment whose recording is read; 64 MiB are read at once.
    """
    replay = known.replay
    segments = await recorded_segments.read_segments(
        connection, replay.key, from_segment=from_segment, steps=replay.clock_steps
    )
    playable = known.playable

    def unpack() -> ReplayContents:
        is_first = from_segment == 0
        kept = playable.gestures if is_first else None
        # Touches are most of a recording: they are read once, and kept for all who ask later.
        recorded = recorded_segments.read_recordings(
            segments, from_segment=from_segment, with_touches=kept is None
        )
        if kept is not None:
            return assemble_contents(known, recorded, gestures.decode_gestures(kept))
        found = gestures.read_gestures(recorded, zero_ms=known.zero_ms)
        if is_first:
            playable.keep_gestures(gestures.encode_gestures(found))
        return assemble_contents(known, recorded, found, from_segment=from_segment)

    # Hundreds of recordings take a while to unpack: not on the event loop.
    return await asyncio.to_thread(unpack)


def assemble_contents(
    known: ReplayOutline,
    recorded: Sequence[RecordedSegment],
    found: tuple[Gesture, ...] = (),
    *,
    from_segment: int = 0,
) -> ReplayContents:
    """Merge the segments of a replay into what its page shows."""
    playable, zero_ms, duration_ms = known.playable, known.zero_ms, known.duration_ms
    segments = [one.segment for one in recorded]
    activities = [one.activity for one in recorded]
    breadcrumbs = merging.merge_breadcrumbs(one.breadcrumbs for one in activities)
    stored_ids = {segment.segment_id for segment in segments}
    return ReplayContents(
        replay=known.replay,
        state=known.state,
        zero_ms=zero_ms,
        duration_ms=duration_ms,
        segments=tuple(segments),
        missing_ids=tuple(gaps.find_missing_ids(stored_ids)),
        from_segment=from_segment,
        earlier=tuple(one for one in segments if one.segment_id < from_segment),
        unread=tuple(
            one.segment
            for one in recorded
            if not one.is_read and one.segment.segment_id >= from_segment
        ),
        breadcrumbs=breadcrumbs,
        gestures=found,
        spans=merging.merge_spans(one.spans for one in activities),
        options=next((one.options for one in activities if one.options), None),
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


def state_of(replay: Replay, *, has_video: bool, now: datetime) -> ReplayState:
    """Tell what a viewer can expect: pictures, more of them, the first ones, or none."""
    if has_video:
        return "live" if is_arriving(replay, now=now) else "playing"
    if is_browser_recording(replay):
        return "no_video"
    return "processing" if is_arriving(replay, now=now) else "no_video"


def is_arriving(replay: Replay, *, now: datetime) -> bool:
    """Tell whether a replay got a segment just now, so that more may come."""
    return units.ms_from_at(now) - units.ms_from_at(replay.last_received_at) < FRESH_MS


def is_browser_recording(replay: Replay) -> bool:
    """Tell by its SDK a replay that a browser recorded: changes of a page, and never a video."""
    sdk_name = str(replay.facts.get("sdk_name") or "")
    return sdk_name.startswith(_JAVASCRIPT_SDKS) and sdk_name not in _VIDEO_SDKS


def lay_out_segment_screens(
    segments: Sequence[Segment], *, zero_ms: int, duration_ms: int
) -> tuple[ScreenSpan, ...]:
    """Lay out the screens that segments name, which say in which segment but not when.

    The screens of one segment share its time evenly; a screen named again at once goes on.
    """
    starts: list[tuple[int, str]] = []
    for segment in sorted(segments, key=lambda one: (one.started_at, one.segment_id)):
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
