"""Presents the stored segments of a replay as one stream of groups of pictures (GOPs).

    segments ─ sort by start ─ cut overlaps ─ split at keyframes ─► PlaybackIndex
    virtual stream   | record 0 | record 1 | record 2 | …
    one record       | header: count, sizes, times | sample | sample | …

A GOP is a keyframe and the frames that need it: the least a player can decode. Nothing is
remuxed; a record's samples are the bytes of the stored object, its header is made here.

Times are milliseconds on the replay clock: 0 is the start of the replay's first segment. A frame
stays due until the next one begins. Where segments overlap, the one that starts later ends the
earlier one. Of segments with one start the lower id plays first, then what the higher ones add:
Android makes such twins when the phone turns, and the second repeats one frame over the time of the
first. Frames this hides are left out, or flagged when a shown frame needs them.

Source: `static/player/index.js` reads what `encode` and the record headers hold.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Final, NamedTuple

from app.formats.stored import video_layout
from app.formats.stored.video_layout import VideoLayout
from app.replays.model import PlayableSegment

MAGIC: Final = b"PHI1"
MIN_GAP_MS: Final = 1_100
"""Shorter holes are closed by holding the last frame; phones make them between any segments."""

_MORE_FOLLOWS: Final = 0x80
"""The bit that is set if a number goes on in the next byte."""
_SHORT: Final = tuple(bytes((value,)) for value in range(_MORE_FOLLOWS))
_MOST_HELD_MS: Final = 60_000
"""A segment that claims to last longer than its video by more than this is not believed."""


@dataclass(frozen=True, slots=True)
class DecoderConfig:
    """The configuration of a decoder before its first frame, and how its pictures are shown.

    `width` and `height` are those of the coded picture, before it is turned.
    """

    codec: str
    avcc: bytes
    width: int
    height: int
    rotation_degrees: int


class StoredRun(NamedTuple):
    """A run of bytes inside a stored object. A tuple, for a replay has thousands."""

    offset: int
    length: int


@dataclass(frozen=True, slots=True)
class Gop:
    """One record of the virtual stream.

    `offset` and `size_bytes` place it in the stream, header included; `spans` are its samples in
    decode order; `cover_ms` is how long video covers from `start_ms` on.
    """

    start_ms: int
    cover_ms: int
    config: int
    segment_id: int
    object_key: str
    header: bytes
    spans: tuple[StoredRun, ...]
    sample_count: int
    key_bytes: int
    offset: int
    size_bytes: int

    @property
    def end_ms(self) -> int:
        """The first millisecond this GOP does not cover."""
        return self.start_ms + self.cover_ms


@dataclass(frozen=True, slots=True)
class Gap:
    """A time of the replay without video."""

    start_ms: int
    end_ms: int


@dataclass(frozen=True, slots=True)
class PlaybackIndex:
    """Everything that a player needs to fetch and place the frames of one replay."""

    version: str
    started_at_ms: int
    duration_ms: int
    configs: tuple[DecoderConfig, ...]
    gops: tuple[Gop, ...]
    gaps: tuple[Gap, ...]

    @property
    def size_bytes(self) -> int:
        """Length of the virtual stream."""
        return self.gops[-1].offset + self.gops[-1].size_bytes if self.gops else 0

    def gop_at(self, at_ms: int) -> int:
        """Return the number of the GOP due at a time: the last that has begun, else the first."""
        low, high = 0, len(self.gops)
        while low < high:
            middle = (low + high) // 2
            if self.gops[middle].start_ms <= at_ms:
                low = middle + 1
            else:
                high = middle
        return max(0, low - 1)


class _Frame(NamedTuple):
    """One sample on the replay clock."""

    at_ms: int
    size_bytes: int
    offset: int
    is_cut: bool
    """True if the file itself says not to show it."""


class _UnplacedGop(NamedTuple):
    """A GOP before it has a place in the stream; `end_ms` is where its cover ends."""

    start_ms: int
    end_ms: int
    config: DecoderConfig
    segment: PlayableSegment
    frames: list[_Frame]
    shown: list[bool]


def sort_segments(segments: Sequence[PlayableSegment]) -> list[PlayableSegment]:
    """Sort segments in the order in which they play: by start, then by id."""
    return sorted(segments, key=lambda segment: (segment.started_at_ms, segment.segment_id))


def make_version(segments: Sequence[PlayableSegment]) -> str:
    """Name a state of a replay: `<segments>-<hash of them>`.

    When a replay grows at its end, its earlier versions stay valid (`find_segments_of_version`). So
    they do when its videos move to another object: a stored video is never changed, and where it
    lies does not change the stream.
    """
    digest = blake2b(digest_size=8)
    for segment in sort_segments(segments):
        facts = (
            segment.segment_id,
            segment.started_at_ms,
            segment.ended_at_ms,
            segment.object_bytes,
            segment.layout,
        )
        digest.update(repr(facts).encode())
    return f"{len(segments)}-{digest.hexdigest()}"


def find_segments_of_version(
    segments: Sequence[PlayableSegment], name: str
) -> list[PlayableSegment] | None:
    """Find the segments that a version was made of.

    Returns:
        The first segments in playing order, which `build` turns into the very stream that the
        page with this version knows; None if one has arrived among them since, or if this replay
        has no such version.
    """
    count, _, _ = name.partition("-")
    if not (count.isascii() and count.isdigit()) or len(count) > len(str(len(segments))):
        return None
    first = sort_segments(segments)[: int(count)]
    return first if make_version(first) == name else None


def build_index(segments: Sequence[PlayableSegment]) -> PlaybackIndex:
    """Lay the frames of all segments out on the replay clock.

    Args:
        segments: The segments in any order; overlaps, holes and repeated starts are allowed.

    Returns:
        An index with GOPs in time order, no two with the same start. Without a decodable frame
        it has no GOPs.

    Raises:
        MalformedInput: A layout is not what `video_layout.pack_layout` writes.
    """
    ordered = sort_segments(segments)
    started_at_ms = ordered[0].started_at_ms if ordered else 0
    configs: dict[DecoderConfig, int] = {}
    gops: list[Gop] = []
    offset = 0
    for segment, from_ms, cut_ms in _iterate_windows(ordered, gops):
        for piece in _cut_gops(segment, started_at_ms, from_ms, cut_ms):
            config = configs.setdefault(piece.config, len(configs))
            gop = _place_gop(piece, config, offset)
            offset += gop.size_bytes
            gops.append(gop)
    return PlaybackIndex(
        version=make_version(ordered),
        started_at_ms=started_at_ms,
        duration_ms=gops[-1].end_ms if gops else 0,
        configs=tuple(configs),
        gops=tuple(gops),
        gaps=tuple(_find_gaps(gops)),
    )


def _iterate_windows(
    ordered: Sequence[PlayableSegment], gops: Sequence[Gop]
) -> Iterator[tuple[PlayableSegment, int, int | None]]:
    """Yield segments in order, each with the time in which its frames may be shown.

    `gops` grows between two steps: a segment begins where its lower twins have ended.
    """
    zero_ms = ordered[0].started_at_ms if ordered else 0
    for number, segment in enumerate(ordered):
        later = (
            follower
            for follower in ordered[number + 1 :]
            if follower.started_at_ms > segment.started_at_ms
        )
        following = next(later, None)
        has_twin = number > 0 and ordered[number - 1].started_at_ms == segment.started_at_ms
        base_ms = segment.started_at_ms - zero_ms
        from_ms = max(base_ms, gops[-1].end_ms) if has_twin and gops else base_ms
        yield segment, from_ms, following.started_at_ms - zero_ms if following else None


def _cut_gops(
    segment: PlayableSegment, zero_ms: int, from_ms: int, cut_ms: int | None
) -> Iterator[_UnplacedGop]:
    """Yield the GOPs of one segment that show something in a window, in time order."""
    facts = video_layout.unpack_layout(segment.layout)
    config = DecoderConfig(
        facts.codec, facts.config, facts.width, facts.height, facts.rotation_degrees
    )
    base_ms = segment.started_at_ms - zero_ms
    groups = _split_at_keyframes(facts, base_ms, segment.object_offset)
    end_ms = _find_segment_end(facts, segment, base_ms)
    if cut_ms is not None:
        end_ms = min(end_ms, cut_ms)
    # In a sound file GOPs follow one another in time; in any other the next start still ends one.
    groups.sort(key=lambda frames: frames[0].at_ms)
    ends_ms = [frames[0].at_ms for frames in groups[1:]] + [end_ms]
    for group, next_ms in zip(groups, ends_ms, strict=False):
        frames = _begin_frames_at(group, from_ms)
        start_ms, stop_ms = max(from_ms, group[0].at_ms), min(next_ms, end_ms)
        if start_ms < stop_ms:
            shown = [not frame.is_cut and start_ms <= frame.at_ms < stop_ms for frame in frames]
            while shown and not shown[-1]:
                shown.pop()
            if shown:
                yield _UnplacedGop(start_ms, stop_ms, config, segment, frames[: len(shown)], shown)


def _begin_frames_at(frames: list[_Frame], from_ms: int) -> list[_Frame]:
    """Let the frame due at a time begin there; the frames before it are decoded, not shown."""
    start_ms = frames[0].at_ms
    if start_ms >= from_ms:
        return frames
    begun = [
        frame.at_ms for frame in frames if not frame.is_cut and start_ms <= frame.at_ms <= from_ms
    ]
    due_ms = max(begun, default=from_ms)
    return [frame._replace(at_ms=from_ms) if frame.at_ms == due_ms else frame for frame in frames]


def _split_at_keyframes(facts: VideoLayout, base_ms: int, object_offset: int) -> list[list[_Frame]]:
    """Split the samples of a segment at keyframes; what comes before the first is undecodable."""
    # An edit list may let a video begin inside a frame: the last one to begin by then is shown.
    first_ms = max((time_ms for time_ms in facts.times_ms if time_ms <= 0), default=0)
    groups: list[list[_Frame]] = []
    samples = zip(facts.times_ms, facts.sizes, facts.offsets, facts.keys, strict=True)
    for time_ms, size_bytes, offset, is_key in samples:
        if is_key:
            groups.append([])
        if groups:
            at_ms = base_ms + max(0, time_ms)
            frame = _Frame(at_ms, size_bytes, object_offset + offset, time_ms < first_ms)
            groups[-1].append(frame)
    return groups


def _find_segment_end(facts: VideoLayout, segment: PlayableSegment, base_ms: int) -> int:
    """Find the time until which a segment's video is shown: the later of file's and phone's end.

    Recorders write a frame only when the screen changes, so a file may end long before its
    segment does; the last frame was on the screen all that time. The end that the phone claims is
    limited.
    """
    samples = zip(facts.times_ms, facts.durations_ms, strict=True)
    video_ms = max([time_ms + (length_ms or 1) for time_ms, length_ms in samples])
    declared_ms = segment.ended_at_ms - segment.started_at_ms
    return base_ms + max(video_ms, min(declared_ms, video_ms + _MOST_HELD_MS))


def _place_gop(piece: _UnplacedGop, config: int, offset: int) -> Gop:
    """Give a GOP its header and its place in the stream."""
    header = bytearray(_varint(len(piece.frames)))
    spans: list[StoredRun] = []
    start = end = piece.frames[0].offset
    for frame, is_shown in zip(piece.frames, piece.shown, strict=True):
        header += _varint(frame.size_bytes * 2 + (not is_shown))
        header += _varint(_zigzag(frame.at_ms - piece.start_ms))
        if frame.offset != end:
            spans.append(StoredRun(start, end - start))
            start = frame.offset
        end = frame.offset + frame.size_bytes
    spans.append(StoredRun(start, end - start))
    return Gop(
        start_ms=piece.start_ms,
        cover_ms=piece.end_ms - piece.start_ms,
        config=config,
        segment_id=piece.segment.segment_id,
        object_key=piece.segment.object_key,
        header=bytes(header),
        spans=tuple(spans),
        sample_count=len(piece.frames),
        key_bytes=len(header) + piece.frames[0].size_bytes,
        offset=offset,
        size_bytes=len(header) + sum(span.length for span in spans),
    )


def _find_gaps(gops: Sequence[Gop]) -> Iterator[Gap]:
    """Find the times that no video covers and that are too long to hold a frame."""
    end_ms = 0
    for gop in gops:
        if gop.start_ms - end_ms > MIN_GAP_MS:
            yield Gap(end_ms, gop.start_ms)
        end_ms = gop.end_ms


def encode_index(index: PlaybackIndex) -> bytes:
    """Write an index as the page reads it: "PHI1", then unsigned LEB128 numbers.

    duration_ms; configs: codec, avcC, width, height, quarter turns; GOPs: start since the one
    before, cover, size of the record, size up to the keyframe's end, config, samples. About 12
    bytes a GOP.
    """
    out = bytearray(MAGIC)
    out += _varint(index.duration_ms)
    out += _varint(len(index.configs))
    for config in index.configs:
        for data in (config.codec.encode("ascii"), config.avcc):
            out += _varint(len(data)) + data
        out += _varint(config.width) + _varint(config.height)
        out += _varint(config.rotation_degrees // 90)
    out += _varint(len(index.gops))
    before_ms = 0
    for gop in index.gops:
        out += _varint(gop.start_ms - before_ms) + _varint(gop.cover_ms)
        out += _varint(gop.size_bytes) + _varint(gop.key_bytes)
        out += _varint(gop.config) + _varint(gop.sample_count)
        before_ms = gop.start_ms
    return bytes(out)


def _varint(value: int) -> bytes:
    """Write an unsigned LEB128 number: seven bits a byte, the lowest first."""
    if value < _MORE_FOLLOWS:
        return _SHORT[value]
    out = bytearray()
    while value >= _MORE_FOLLOWS:
        out.append(value & _MORE_FOLLOWS - 1 | _MORE_FOLLOWS)
        value >>= 7
    out.append(value)
    return bytes(out)


def _zigzag(value: int) -> int:
    """Turn a signed number into an unsigned one that is small when the signed one is."""
    return value * 2 if value >= 0 else -value * 2 - 1
