"""The videos of one batch, side by side in one object."""

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from app.replays.model import NewSegment
from app.replays.writes import PlacedSegment


class PreparedSegment(msgspec.Struct, frozen=True, gc=False):
    """A segment, and the bytes of its video."""

    segment: NewSegment
    item_type: str
    video: memoryview | None


@dataclass(frozen=True, slots=True)
class Pack:
    """An object to be: its key, its parts, and where in it each segment's video lies."""

    key: str
    parts: tuple[memoryview, ...]
    placed: tuple[PlacedSegment, ...]

    @property
    def videos(self) -> int:
        """The number of segments whose video lies in it."""
        return len(self.parts)


def lay_out_pack(segments: Sequence[PreparedSegment], key: str) -> Pack:
    """Give the videos of a batch their places in an object with this key."""
    parts: list[memoryview] = []
    placed: list[PlacedSegment] = []
    end = 0
    for prepared in segments:
        if prepared.video is None:
            placed.append(PlacedSegment(prepared.segment, None))
            continue
        placed.append(PlacedSegment(prepared.segment, end))
        parts.append(prepared.video)
        end += len(prepared.video)
    return Pack(key, tuple(parts), tuple(placed))
