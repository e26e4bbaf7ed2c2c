"""Makes replays of real videos in memory, with an index and a store, to render clips of them."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from app.core.errors import NotFound
from app.formats.stored import video_layout
from app.formats.video import mp4
from app.playback.video.index import PlaybackIndex, build_index
from app.replays.model import PlayableSegment


@dataclass
class MemoryStore:
    """An object store of one process, as far as rendering reads it."""

    objects: dict[str, bytes] = field(default_factory=dict)

    async def read(self, key: str, offset: int = 0, length: int | None = None) -> bytes:
        """Read as an object store does."""
        if key not in self.objects:
            raise NotFound(key)
        end = None if length is None else offset + length
        return self.objects[key][offset:end]


def clip_source(
    videos: Sequence[bytes],
    *,
    starts_ms: Sequence[int] | None = None,
    ends_ms: Sequence[int] | None = None,
    segment_ms: int = 5_000,
) -> tuple[MemoryStore, PlaybackIndex]:
    """Make a replay of some videos.

    Args:
        videos: The videos of its segments, which are H.264 in MP4.
        starts_ms: When they begin; by default one follows another.
        ends_ms: When they end; by default after `segment_ms`.
        segment_ms: The length of a segment.

    Returns:
        The store with the videos, and the index of the replay.
    """
    store, segments = MemoryStore(), []
    for number, video in enumerate(videos):
        start_ms = number * segment_ms if starts_ms is None else starts_ms[number]
        end_ms = start_ms + segment_ms if ends_ms is None else ends_ms[number]
        key = f"2026-01-01/v/{number}"
        store.objects[key] = video
        layout = video_layout.pack_layout(mp4.read_video(memoryview(video)))
        segments.append(PlayableSegment(number, start_ms, end_ms, key, 0, len(video), layout))
    return store, build_index(segments)
