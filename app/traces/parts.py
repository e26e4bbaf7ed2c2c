"""The parts in which the spans of a replay or of a trace are read."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from app.core.ids import ProjectId

PART_OF_REPLAY: Final = 5_000
"""The spans of a replay that are read at once, besides the rest of the last one's block."""
PART_OF_TRACE: Final = 10_000
"""The spans of a trace that are read at once, besides the rest of the last one's block."""


@dataclass(frozen=True, slots=True)
class BlockPlace:
    """The place of a block among those of its replay or trace, in the order of their start."""

    at: datetime
    project_id: ProjectId
    block_id: str


BEFORE_ALL: Final = BlockPlace(datetime(1970, 1, 1, tzinfo=UTC), ProjectId(0), "0" * 32)
"""The place before all blocks."""
