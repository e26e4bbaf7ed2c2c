"""Packs: the videos of one batch, one after the other in one object."""

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from app.replays.model import NewSegment
from app.replays.writes import PlacedSegment


class PreparedSegment(msgspec.Struct, frozen=True, gc=False):
    """A segment on its way into the table, and its video on its way into a pack."""

    segment: NewSegment
    item_type: str
    """The type of the item whose outcome the segment decides."""
    video: memoryview | None
    """The bytes of its video, or None if it has none."""


@dataclass(frozen=True, slots=True)
class Pack:
    """An object that is to be put into storage."""

    key: str
    parts: tuple[memoryview, ...]
    """The videos, in the order in which they lie in the object."""
    placed: tuple[PlacedSegment, ...]
    """Every segment of the batch, with the place of its video."""

    @property
    def videos(self) -> int:
        """The number of videos in the object."""
        return len(self.parts)


def lay_out_pack(segments: Sequence[PreparedSegment], key: str) -> Pack:
    """Give each video of a batch its place in the object with this key."""
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
