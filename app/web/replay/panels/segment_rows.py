"""Describes the rows of the Segments panel, with those that never arrived among them."""

from typing import Final

from app.core import units
from app.playback.recording.contents import ReplayContents
from app.replays.model import Segment
from app.web.replay.panels.rows import SegmentRow, VideoState
from app.web.urls.replay_address import ReplayAddress
from app.web.words import phrases

_MOST_MISSING: Final = 200
_MOST_AT_ONCE: Final = 60
"""An hour has 720 segments. Listed without being asked for, they are three quarters of the page."""


def segment_rows(
    contents: ReplayContents,
    address: ReplayAddress,
    *,
    losses: str | None = None,
    with_all: bool = True,
) -> tuple[SegmentRow, ...]:
    """Describe the segments of a replay in the order of their ids.

    Args:
        contents: The recordings of the replay.
        address: The addresses of the replay.
        losses: The losses of the project, which may be why some segments never arrived.
        with_all: False leaves out the segments beyond the first 60 that simply play.
    """
    arrived = [
        _segment_row(segment, address, zero_ms=contents.outline.zero_ms)
        for number, segment in enumerate(contents.segments)
        if with_all or number < _MOST_AT_ONCE or not segment.has_video
    ]
    missing = [
        _missing_row(segment_id, losses) for segment_id in contents.missing_ids[:_MOST_MISSING]
    ]
    return tuple(sorted([*arrived, *missing], key=lambda row: row.segment_id))


def describe_missing(contents: ReplayContents) -> str | None:
    """Name the segments that never arrived and have no row; None if each has one."""
    hidden = contents.missing_ids[_MOST_MISSING:]
    if not hidden:
        return None
    return f"{phrases.count(len(hidden), 'more segment')} never arrived: {phrases.ranges(hidden)}."


def _segment_row(segment: Segment, address: ReplayAddress, *, zero_ms: int) -> SegmentRow:
    started_ms, ended_ms = units.ms_from_at(segment.started_at), units.ms_from_at(segment.ended_at)
    is_stored = segment.object_key is not None
    return SegmentRow(
        segment_id=segment.segment_id,
        at_ms=started_ms - zero_ms,
        at_href=address.at(started_ms - zero_ms),
        duration_ms=max(0, ended_ms - started_ms),
        frames=segment.frames if is_stored else None,
        size_bytes=segment.object_bytes if is_stored else None,
        width_px=segment.width_px,
        height_px=segment.height_px,
        video=_find_video_state(segment),
        fault=segment.video_fault,
        mp4_href=address.segment_video(segment.segment_id) if is_stored else None,
        received_at=segment.received_at,
    )


def _find_video_state(segment: Segment) -> VideoState:
    if segment.has_video:
        return "playable"
    return "none" if segment.object_key is None else "faulty"


def _missing_row(segment_id: int, losses: str | None) -> SegmentRow:
    reason = "never arrived: lost on the phone, or still on its way"
    if losses:
        reason = f"never arrived; of this project's replay items since then, {losses}"
    return SegmentRow(
        segment_id, None, "", None, None, None, None, None, "missing", fault=reason, mp4_href=None,
        received_at=None,
    )  # fmt: skip
