"""Builds replays for the player from recordings and from drawn clips.

A replay here is what the database and the object store would hold: segments and their objects.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from app.core.errors import NotFound
from app.formats.stored import video_layout
from app.formats.video import mp4
from app.replays.model import PlayableSegment
from tests.support.recorded import contents

EPOCH_MS: Final = 1_795_000_000_000


@dataclass
class Replay:
    """The playable segments of one replay and the objects that hold their bytes."""

    segments: list[PlayableSegment] = field(default_factory=list)
    objects: dict[str, bytes] = field(default_factory=dict)

    def add(
        self, segment_id: int, started_at_ms: int, video: bytes, *, ended_at_ms: int | None = None
    ) -> None:
        """Add one more segment; by default it lasts as long as its video."""
        facts = mp4.read_video(video)
        if ended_at_ms is None:
            ended_at_ms = started_at_ms + facts.duration_ms
        key = f"{segment_id:06}.mp4"
        self.objects[key] = video
        self.segments.append(
            PlayableSegment(
                segment_id=segment_id,
                started_at_ms=started_at_ms,
                ended_at_ms=ended_at_ms,
                object_key=key,
                object_offset=0,
                object_bytes=len(video),
                layout=video_layout.pack_layout(facts),
            )
        )

    async def read(self, key: str, offset: int = 0, length: int | None = None) -> bytes:
        """Read a range of an object, as an object store does."""
        if key not in self.objects:
            raise NotFound(key)
        end = None if length is None else offset + length
        return self.objects[key][offset:end]


def of_family(name: str) -> Replay:
    """Load the replay of a recorded family."""
    replay = Replay()
    for request in contents.requests(name):
        video = contents.video_of(request)
        if video is not None:
            expected = next(
                item for item in request.expect["items"] if item["type"] == "replay_video"
            )
            replay.add(
                expected["segment_id"],
                expected["starts_ms"],
                video,
                ended_at_ms=expected["ends_ms"],
            )
    return replay


def of_clips(clips: Sequence[tuple[int, bytes]]) -> Replay:
    """Build a replay from clips, each with its start on the replay clock."""
    replay = Replay()
    for number, (start_ms, video) in enumerate(clips):
        replay.add(number, EPOCH_MS + start_ms, video)
    return replay
