"""Packs what playback needs to know about a segment's video into a few bytes of its row.

    u8 version, 1 | u8 bytes of codec | u16 bytes of config
    varints  width | height | rotation / 90 | duration of the last frame shown, ms
    varints  per sample in decode order: size_bytes * 2 + is_key
             | zigzag of its time minus the time of the sample before it, ms
             | zigzag of its offset minus where the sample before it ends
    codec | config

Durations are not packed, because a frame lasts until the next one is shown; only the last frame
has one. Varints are unsigned LEB128. Offsets count from the first byte of the video's file.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import accumulate, pairwise
from struct import Struct
from typing import Final

from app.core.errors import MalformedInput
from app.formats.video import mp4

_VERSION: Final = 1
_HEAD: Final = Struct(">BBH")
_HEAD_NUMBERS: Final = 4
_LAST_DURATION: Final = 3
_MORE: Final = 0x80
"""The bit that is set if a varint goes on in the next byte."""
_QUARTER_TURN: Final = 90


@dataclass(frozen=True, slots=True)
class VideoLayout:
    """The samples of one stored video in decode order, as columns."""

    codec: str
    config: bytes
    width: int
    height: int
    times_ms: tuple[int, ...]
    """Times from the start of the segment; negative for frames that the edit list hides."""
    durations_ms: tuple[int, ...]
    """Times until the next frame is shown; 0 for frames that share a millisecond."""
    sizes: tuple[int, ...]
    offsets: tuple[int, ...]
    keys: tuple[bool, ...]
    rotation_degrees: int = 0


def pack_layout(video: mp4.Video) -> bytes:
    """Pack a video that plays.

    Raises:
        MalformedInput: It has a fault. Such a video has no layout, so that nobody plays it.
    """
    if video.fault is not None:
        raise MalformedInput(f"the video does not play: {video.fault}")
    numbers = [video.width, video.height, video.rotation_degrees // _QUARTER_TURN, 0]
    times_ms = [mp4.round_ms(sample.at, video.timescale) for sample in video.samples]
    before_ms = end = 0
    for sample, at_ms in zip(video.samples, times_ms, strict=True):
        numbers += (
            sample.size_bytes * 2 + sample.is_key,
            _zigzag(at_ms - before_ms),
            _zigzag(sample.offset - end),
        )
        before_ms, end = at_ms, sample.offset + sample.size_bytes
    numbers[_LAST_DURATION] = video.duration_ms - max(times_ms)
    codec = video.codec.encode("ascii")
    head = _HEAD.pack(_VERSION, len(codec), len(video.config))
    return b"".join((head, _write_varints(numbers), codec, video.config))


def _zigzag(value: int) -> int:
    """Turn a signed number into an unsigned one: 0, -1, 1, -2 become 0, 1, 2, 3."""
    return value * 2 if value >= 0 else -value * 2 - 1


def _write_varints(numbers: Iterable[int]) -> bytes:
    """Write unsigned LEB128: seven bits a byte, lowest first; the top bit is set if more follow."""
    written = bytearray()
    for number in numbers:
        remaining = number
        while remaining >= _MORE:
            written.append(remaining & _MORE - 1 | _MORE)
            remaining >>= 7
        written.append(remaining)
    return bytes(written)


def unpack_layout(data: bytes | memoryview) -> VideoLayout:
    """Read a layout as `pack_layout` wrote it.

    It is written for speed, because every view of a replay unpacks the layouts of all segments.

    Raises:
        MalformedInput: The bytes are cut or of another version.
    """
    if len(data) < _HEAD.size:
        raise MalformedInput("layout is cut")
    version, codec_bytes, config_bytes = _HEAD.unpack_from(data)
    config_at = len(data) - config_bytes
    codec_at = config_at - codec_bytes
    if version != _VERSION or codec_at < _HEAD.size:
        raise MalformedInput("layout is cut or of another version")
    numbers = _read_varints(data[_HEAD.size : codec_at])
    width, height, turns, last_duration_ms, *rows = numbers
    times = tuple(accumulate(map(_unzigzag, rows[1::3])))
    sizes = tuple([number >> 1 for number in rows[::3]])
    return VideoLayout(
        codec=str(data[codec_at:config_at], "ascii", "replace"),
        config=bytes(data[config_at:]),
        width=width,
        height=height,
        times_ms=times,
        durations_ms=_find_durations(times, last_duration_ms),
        sizes=sizes,
        offsets=_find_offsets(sizes, rows[2::3]),
        keys=tuple([number & 1 == 1 for number in rows[::3]]),
        rotation_degrees=turns * _QUARTER_TURN,
    )


def _read_varints(data: bytes | memoryview) -> list[int]:
    """Read all varints, which are four of the head, and three for each sample."""
    numbers: list[int] = []
    value = shift = 0
    for byte in data:
        if byte < _MORE:
            numbers.append(value | byte << shift)
            value = shift = 0
        else:
            value |= (byte - _MORE) << shift
            shift += 7
    if shift or len(numbers) <= _HEAD_NUMBERS or len(numbers) % 3 != _HEAD_NUMBERS % 3:
        raise MalformedInput("layout is cut inside its samples")
    return numbers


def _unzigzag(number: int) -> int:
    """Turn a number that `_zigzag` returned into the signed one."""
    return -(number + 1 >> 1) if number & 1 else number >> 1


def _find_offsets(sizes: tuple[int, ...], gaps: list[int]) -> tuple[int, ...]:
    """Find the offsets of the samples, most of which begin where the one before them ends."""
    offsets: list[int] = []
    end = 0
    for size, gap in zip(sizes, gaps, strict=True):
        at = end + _unzigzag(gap) if gap else end
        offsets.append(at)
        end = at + size
    return tuple(offsets)


def _find_durations(times: tuple[int, ...], last: int) -> tuple[int, ...]:
    """Find how long each frame is shown: until the next one by time."""
    order = sorted(range(len(times)), key=times.__getitem__)
    durations = [last] * len(times)
    for place, next_place in pairwise(order):
        durations[place] = times[next_place] - times[place]
    return tuple(durations)
