"""Reads the recordings of a replay once, for all that is made of them: panels and gestures."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from app.core import log
from app.formats import activity, packed, recording
from app.formats.activity import Activity
from app.replays.model import Segment

_MOST_BYTES: Final = 64 * 1024 * 1024
"""Of all recordings of a replay, unpacked; an hour has about 36 MB. A hostile sender can pack
20 MiB into kilobytes, two thousand times: who opened the page would bring the server down."""
_NOTHING: Final = activity.read(())

_log: Final = log.get("playback.recordings")


@dataclass(frozen=True, slots=True)
class Recorded:
    """A stored segment and what its recording says."""

    segment: Segment
    activity: Activity
    size_px: tuple[int, int]
    """Width and height in which its touches are given; zeros if nobody knows."""


def read(segments: Sequence[Segment], *, with_touches: bool = True) -> list[Recorded]:
    """Read the recordings of segments, in their order; a damaged one is empty.

    So is what goes beyond 64 MiB, from the segment on that does.
    """
    found: list[Recorded] = []
    left_bytes = _MOST_BYTES
    for segment in segments:
        left_bytes -= packed.size_of(segment.recording)
        if left_bytes < 0:
            _log.warning("recordings_too_large", from_segment_id=segment.segment_id)
            break
        found.append(_read(segment, with_touches=with_touches))
    rest = segments[len(found) :]
    return found + [Recorded(one, _NOTHING, _size_px(one)) for one in rest]


def _read(segment: Segment, *, with_touches: bool) -> Recorded:
    try:
        events = packed.unpack_json(segment.recording)
    except ValueError as error:
        _log.error("recording_unreadable", segment_id=segment.segment_id, error=str(error))
        events = []
    if not isinstance(events, list):
        events = []
    size_px = recording.size(events) or _size_px(segment)
    return Recorded(segment, activity.read(events, with_touches=with_touches), size_px)


def _size_px(segment: Segment) -> tuple[int, int]:
    return segment.width_px or 0, segment.height_px or 0
