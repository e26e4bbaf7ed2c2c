"""Cuts videos into the groups of coded pictures that a media child receives."""

from collections.abc import Iterator

from app.formats.stored import video_layout
from app.formats.video import mp4
from app.media import wire


def groups(
    video: bytes, *, start_ms: int = 0, poster_ms: int | None = None
) -> list[wire.CodedGroup]:
    """Read a video and cut it at its keyframes; every picture is wanted.

    Args:
        video: An MP4 that plays.
        start_ms: Added to the times of its pictures.
        poster_ms: The time, with `start_ms`, of the picture that becomes the poster.
    """
    facts = video_layout.unpack_layout(video_layout.pack_layout(mp4.read_video(memoryview(video))))
    return list(_groups(facts, video, start_ms, poster_ms))


def _groups(
    facts: video_layout.VideoLayout, video: bytes, start_ms: int, poster_ms: int | None
) -> Iterator[wire.CodedGroup]:
    samples: list[wire.CodedSample] = []
    rows = zip(facts.times_ms, facts.sizes, facts.offsets, facts.keys, strict=True)
    for time_ms, size_bytes, offset, is_key in rows:
        if is_key and samples:
            yield wire.CodedGroup(facts.config, facts.rotation_degrees // 90, tuple(samples))
            samples = []
        at_ms = start_ms + time_ms
        marks = wire.WANTED | (wire.POSTER if at_ms == poster_ms else 0)
        samples.append(wire.CodedSample(at_ms, marks, video[offset : offset + size_bytes]))
    yield wire.CodedGroup(facts.config, facts.rotation_degrees // 90, tuple(samples))
