"""Makes playable segments from times, and reads an index as the page does."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from app.core.errors import NotFound
from app.formats.stored import video_layout
from app.formats.video import mp4
from app.playback.video.index import Gop
from app.replays.model import PlayableSegment

AVCC = bytes.fromhex("0142c01fffe1")
START_MS = 1_795_000_000_000


@dataclass(frozen=True)
class Frame:
    """A frame to be laid down, in decode order; `gap_bytes` of other data come before it."""

    time_ms: int
    is_key: bool = False
    size_bytes: int = 10
    gap_bytes: int = 0
    duration_ms: int = 1000


@dataclass
class Objects:
    """An object store that counts its reads."""

    kept: dict[str, bytes] = field(default_factory=dict)
    reads: list[tuple[str, int, int | None]] = field(default_factory=list)

    async def read(self, key: str, offset: int = 0, length: int | None = None) -> bytes:
        """Read as an object store does."""
        self.reads.append((key, offset, length))
        if key not in self.kept:
            raise NotFound(key)
        end = None if length is None else offset + length
        return self.kept[key][offset:end]


def gops(*lengths: int, every_ms: int = 1000) -> list[Frame]:
    """Lay down evenly spaced frames in GOPs of the given lengths."""
    frames: list[Frame] = []
    for length in lengths:
        for number in range(length):
            frames.append(Frame(len(frames) * every_ms, is_key=number == 0))
    return frames


def segment(
    segment_id: int,
    start_ms: int,
    frames: Sequence[Frame],
    *,
    objects: Objects | None = None,
    size: tuple[int, int] = (448, 960),
    declared_ms: int = 0,
    object_offset: int = 0,
    rotation_degrees: int = 0,
) -> PlayableSegment:
    """Make a segment; each frame's bytes are its segment, its number, and padding."""
    data = bytearray(b"~" * object_offset)
    samples = []
    for number, frame in enumerate(frames):
        data += b"-" * frame.gap_bytes
        samples.append(
            mp4.VideoSample(
                at=frame.time_ms,
                duration=frame.duration_ms,
                size_bytes=frame.size_bytes,
                offset=len(data) - object_offset,
                is_key=frame.is_key,
            )
        )
        data += f"{segment_id}/{number}".encode().ljust(frame.size_bytes, b".")
    video = mp4.Video("avc1.42C01F", AVCC, *size, 1000, tuple(samples), rotation_degrees)
    key = f"object-{segment_id}"
    if objects is not None:
        objects.kept[key] = bytes(data)
    return PlayableSegment(
        segment_id=segment_id,
        started_at_ms=START_MS + start_ms,
        ended_at_ms=START_MS + start_ms + declared_ms,
        object_key=key,
        object_offset=object_offset,
        object_bytes=len(data) - object_offset,
        layout=video_layout.pack_layout(video),
    )


def numbers(data: bytes) -> Iterator[int]:
    """Read LEB128 numbers until the data ends."""
    value = shift = 0
    for byte in data:
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            yield value
            value = shift = 0


def header_frames(gop: Gop) -> list[tuple[int, int, bool]]:
    """Read a record's header: size, time on the replay clock and whether hidden, of each frame."""
    count, *rest = numbers(gop.header)
    assert len(rest) == count * 2
    return [
        (size >> 1, gop.start_ms + ((zigzag >> 1) ^ -(zigzag & 1)), bool(size & 1))
        for size, zigzag in zip(rest[::2], rest[1::2], strict=True)
    ]


def due_frame(gop: Gop, record: bytes, at_ms: int) -> str:
    """Find the frame due at a time in a record of the stream; return its segment and number."""
    at = len(gop.header)
    shown = []
    for size, time_ms, is_hidden in header_frames(gop):
        if not is_hidden:
            shown.append((time_ms, record[at : at + size].rstrip(b".").decode()))
        at += size
    assert at == len(record)
    begun = [frame for frame in shown if frame[0] <= at_ms]
    return max(begun)[1] if begun else min(shown)[1]
