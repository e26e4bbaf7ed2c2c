"""Lays a replay out in sealed objects: all its recordings first, then its videos.

    sealed object 1   | recording 0 | recording 1 | … | video 0 | video 1 | …
    sealed object 2   | video 40 | …                                             if 1 is full

The recordings of a replay lie side by side, so its page reads them all with one ranged read, or two
if they do not fit into one object. Videos lie in the order of their segments, so a stretch that is
watched is one range of one object, or of two where one ends and the next begins.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from app.storage.ranged_reads import ObjectRange

OBJECT_BYTES: Final = 64 * 1024 * 1024
"""The most bytes of a sealed object. A replay of an hour has 20 to 55 MB; an object is held in
memory while it is put and read back. The largest part, a recording, has 20 MiB."""

PartKind = Literal["recording", "video"]


@dataclass(frozen=True, slots=True)
class SegmentParts:
    """The stored parts of one segment that a sealed object takes."""

    segment_id: int
    recording_bytes: int
    recording: ObjectRange | None
    """The place of the recording; None while it lies in the row of the segment."""
    video: ObjectRange | None
    """The place of the video; None if the segment has none, or if it stays where it is."""


@dataclass(frozen=True, slots=True)
class SealedPart:
    """One part with its place in the sealed object that it belongs to."""

    segment_id: int
    kind: PartKind
    offset: int
    size_bytes: int
    source: ObjectRange | None
    """The place from which it is read; None for the row of its segment."""

    @property
    def end(self) -> int:
        """The offset of the first byte after it."""
        return self.offset + self.size_bytes


@dataclass(frozen=True, slots=True)
class SealedLayout:
    """The parts of one sealed object, in the order in which they lie in it."""

    parts: tuple[SealedPart, ...]

    @property
    def size_bytes(self) -> int:
        """The size of the object."""
        return self.parts[-1].end


def lay_out_replay(
    segments: Iterable[SegmentParts], *, object_bytes: int = OBJECT_BYTES
) -> list[SealedLayout]:
    """Give every part of a replay its place.

    Args:
        segments: The segments of the replay in the order of their ids.
        object_bytes: The most bytes of an object; only a part that is larger alone exceeds it.

    Returns:
        The objects in order; none for a replay without segments.
    """
    ordered = list(segments)
    layouts: list[SealedLayout] = []
    parts: list[SealedPart] = []
    end = 0
    for segment_id, kind, size_bytes, source in (*_recordings(ordered), *_videos(ordered)):
        if parts and end + size_bytes > object_bytes:
            layouts.append(SealedLayout(tuple(parts)))
            parts, end = [], 0
        parts.append(SealedPart(segment_id, kind, end, size_bytes, source))
        end += size_bytes
    if parts:
        layouts.append(SealedLayout(tuple(parts)))
    return layouts


_UnplacedPart = tuple[int, PartKind, int, ObjectRange | None]


def _recordings(segments: Sequence[SegmentParts]) -> list[_UnplacedPart]:
    return [
        (segment.segment_id, "recording", segment.recording_bytes, segment.recording)
        for segment in segments
    ]


def _videos(segments: Sequence[SegmentParts]) -> list[_UnplacedPart]:
    return [
        (segment.segment_id, "video", segment.video.size_bytes, segment.video)
        for segment in segments
        if segment.video is not None
    ]
