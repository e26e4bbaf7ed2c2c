"""The videos of one batch, side by side in one object."""

from collections.abc import Sequence
from dataclasses import dataclass

from app.ingest.prepared import SegmentWork
from app.replays.writes import PlacedSegment
from app.storage import keys


@dataclass(frozen=True, slots=True)
class Mark:
    """A stretch of a journal: everything up to `seq` is stored once the batch is.

    `first_seq` is the entry that the batch begins with.
    """

    journal_id: str
    first_seq: int
    seq: int


@dataclass(frozen=True, slots=True)
class Pack:
    """An object to be: its key, its parts, and where in it each segment's video lies."""

    key: str
    parts: tuple[memoryview, ...]
    placed: tuple[PlacedSegment, ...]

    @property
    def videos(self) -> int:
        """How many segments lie in it."""
        return len(self.parts)


def lay_out(works: Sequence[SegmentWork], mark: Mark) -> Pack:
    """Give the videos of a batch their places; the key is new with every call."""
    parts: list[memoryview] = []
    placed: list[PlacedSegment] = []
    end = 0
    for work in works:
        if work.video is None:
            placed.append(PlacedSegment(work.segment, None))
            continue
        placed.append(PlacedSegment(work.segment, end))
        parts.append(work.video)
        end += len(work.video)
    return Pack(keys.pack(mark.journal_id, mark.first_seq), tuple(parts), tuple(placed))
