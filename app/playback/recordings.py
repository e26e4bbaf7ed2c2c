"""Reads the recordings of a replay once, for all that is made of them: panels and gestures."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from app.core import log
from app.formats import activity, packed, recording
from app.formats.activity import Activity
from app.replays.model import Segment

_log: Final = log.get("playback.recordings")


@dataclass(frozen=True, slots=True)
class Recorded:
    """A stored segment and what its recording says."""

    segment: Segment
    activity: Activity
    size_px: tuple[int, int]
    """Width and height in which its touches are given; zeros if nobody knows."""


def read(segments: Sequence[Segment], *, with_touches: bool = True) -> list[Recorded]:
    """Read the recordings of segments, in their order; a damaged one is empty."""
    return [_read(segment, with_touches=with_touches) for segment in segments]


def _read(segment: Segment, *, with_touches: bool) -> Recorded:
    try:
        events = packed.unpack_json(segment.recording)
    except ValueError as error:
        _log.error("recording_unreadable", segment_id=segment.segment_id, error=str(error))
        events = []
    if not isinstance(events, list):
        events = []
    size_px = recording.size(events) or (segment.width_px or 0, segment.height_px or 0)
    return Recorded(segment, activity.read(events, with_touches=with_touches), size_px)
