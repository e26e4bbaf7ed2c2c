"""Reads what playback needs to know about an MP4: where each frame lies, and when it is due.

Nothing is decoded. A broken file raises an error. A file that is whole but does not play in
browsers has a `fault`, so that nobody is given a video that cannot work.

    ftyp | moov | trak | tkhd                       number, rotation
         |      |      | edts/elst                  where the presentation begins
         |      |      | mdia | mdhd, hdlr          ticks a second, kind of track
         |      |             | minf/dinf/dref      where the data is: in this file
         |      |             | minf/stbl           codec and tables (sample_table.py)
         |      | mvex                              fragments follow (fragments.py)
    mdat | moof, mdat …

`header_cache.py` remembers the movie header (moov), which a phone repeats in every segment.

Source: ISO/IEC 14496-12; 14496-15 for AVC.
"""

from dataclasses import dataclass
from itertools import pairwise
from struct import Struct
from typing import Final, NamedTuple

import msgspec

from app.core import log, units
from app.core.errors import MalformedInput
from app.core.limits import LIMITS
from app.formats.video import avc
from app.formats.video.boxes import Box, BoxReader, Extent, find_box, find_boxes, require_box
from app.formats.video.fragments import add_fragments
from app.formats.video.header_cache import MovieHeaderCache
from app.formats.video.sample_table import SampleTable, read_sample_table

_U32: Final = Struct(">I")
_U32_PAIR: Final = Struct(">II")
_SIZE_PX: Final = Struct(">HH")
_MATRIX: Final = Struct(">2i")
_EDITS: Final = {0: Struct(">Iii"), 1: Struct(">Qqi")}
"""Length, media time and rate of an edit, by the version of the edit list."""

_PICTURE_SIZE_AT: Final = 24
_PICTURE_BOXES_AT: Final = 78
"""Offsets in the body of a visual sample entry."""
_AVC: Final = {b"avc1": "avc1", b"avc3": "avc3"}
_CODEC_NAMES: Final = {
    "hvc1": "HEVC", "hev1": "HEVC", "vp08": "VP8", "vp09": "VP9", "av01": "AV1",
    "mp4v": "MPEG-4 video or JPEG pictures", "jpeg": "JPEG pictures", "mjpg": "JPEG pictures",
}  # fmt: skip
_PICTURE_HANDLER: Final = int.from_bytes(b"vide", "big")
_ONE: Final = 1 << 16
"""1.0 as a 16.16 number."""
_ROTATIONS: Final = {(0, _ONE): 90, (-_ONE, 0): 180, (0, -_ONE): 270}
_MOST_TOP_BOXES: Final = 64
"""Most boxes of a file whose header is cached: reading any other file counts all of its boxes."""
_DEFAULT_FRAME_MS: Final = 1_000
"""Duration of a lone frame without one, since SDKs record a frame a second."""
_LONGEST: Final = units.format_duration(LIMITS.video_ms)
_EDITED: Final = "its edit list does more than choose where it begins"


class VideoSample(NamedTuple):
    """One coded frame. It is a named tuple, because one is made for every frame that arrives."""

    at: int
    """The moment at which it is shown, in ticks from the start of the presentation.

    It is negative for frames that only serve to decode the later ones.
    """
    duration: int
    """Ticks until the next frame is shown."""
    size_bytes: int
    offset: int
    """Offset of its first byte in the file."""
    is_key: bool
    """True if decoding can start with it."""


@dataclass(frozen=True, slots=True)
class _SampleEntry:
    """The facts about pictures that stand in the sample description."""

    codec: str
    config: bytes
    width: int
    height: int
    nal_length_bytes: int
    fault: str | None


@dataclass(frozen=True, slots=True)
class _MovieHeader:
    """The facts about the picture track that stand in a movie header, without sample tables."""

    entry: _SampleEntry
    track_id: int
    rotation_degrees: int
    timescale: int
    shift: int
    """The ticks to add to every time."""
    edit_fault: str | None
    tables: list[Box]
    """The boxes with sample tables; their offsets count from the first byte of the header."""
    is_fragmented: bool

    def locate_tables(self, at: int) -> list[Box]:
        """Return the boxes with sample tables of a header whose body begins at an offset."""
        return _shift_boxes(self.tables, at)


_header_cache: Final = MovieHeaderCache[_MovieHeader]()


class Video(msgspec.Struct, frozen=True, gc=False):
    """The picture track of one MP4."""

    codec: str
    """The codec as browsers name it, `avc1.42C01F`, or its four letters if it is not H.264."""
    config: bytes
    """The body of `avcC`, which is empty if the codec is not H.264."""
    width: int
    height: int
    timescale: int
    """Ticks a second."""
    samples: tuple[VideoSample, ...]
    """The frames in decode order, at least one. The first is a keyframe unless there is a fault."""
    rotation_degrees: int = 0
    """The angle by which players have to turn the picture clockwise, from the track header."""
    fault: str | None = None
    """The reason why a whole file does not play, for people, or None if it plays."""

    @property
    def is_playable(self) -> bool:
        return self.fault is None

    @property
    def duration_ms(self) -> int:
        """The time from the start of the presentation to the end of its last frame."""
        end = max(sample.at + sample.duration for sample in self.samples)
        return round_ms(end, self.timescale)


def round_ms(ticks: int, timescale: int) -> int:
    """Turn ticks into the nearest milliseconds, halves up."""
    return (ticks * 2_000 + timescale) // (timescale * 2)


def read_video(data: bytes | memoryview) -> Video:
    """Read the first picture track of an MP4, fragmented or not, `moov` first or last.

    Raises:
        MalformedInput: It is cut or not an MP4, or it has no picture track, no samples, samples
            outside the file, or samples that are not the H.264 that it declares.
        OversizedInput: It has more boxes or samples than `LIMITS` allow.
    """
    boxes = BoxReader(data)
    top = boxes.list_boxes(0, len(data))
    moov = require_box(top, b"moov")
    movie = _find_cached(boxes, top, moov) or _read_movie_header(boxes, top, moov)
    table = read_sample_table(boxes, movie.locate_tables(moov[0]))
    if movie.is_fragmented:
        inside = boxes.list_boxes(*moov)
        add_fragments(table, boxes, top=top, moov=inside, track_id=movie.track_id)
    _check_samples(table, len(data))
    entry = movie.entry
    fault = entry.fault or _check_nals(table, data, entry) or table.fault or movie.edit_fault
    samples = _place_samples(table, movie.shift, movie.timescale)
    duration_ms = round_ms(
        max([sample.at + sample.duration for sample in samples]), movie.timescale
    )
    return Video(
        codec=entry.codec,
        config=entry.config,
        width=entry.width,
        height=entry.height,
        timescale=movie.timescale,
        samples=samples,
        rotation_degrees=movie.rotation_degrees,
        fault=fault or _judge_length(duration_ms),
    )


def _find_cached(boxes: BoxReader, top: list[Box], moov: Extent) -> _MovieHeader | None:
    """Return the facts in the movie header, if an earlier file had the same header."""
    if len(top) > _MOST_TOP_BOXES:
        return None
    return _header_cache.find(memoryview(boxes.data)[slice(*moov)])


def _read_movie_header(boxes: BoxReader, top: list[Box], extent: Extent) -> _MovieHeader:
    """Read the facts in a movie header, and add them to the cache."""
    open_ends = boxes.open_ends
    moov = boxes.list_boxes(*extent)
    trak, mdia = _find_picture_track(boxes, moov)
    track_id, rotation = _read_track_header(boxes, require_box(trak, b"tkhd"))
    timescale = _read_timescale(boxes, require_box(mdia, b"mdhd"))
    minf = boxes.list_boxes(*require_box(mdia, b"minf"))
    _check_data_is_here(boxes, minf)
    stbl = boxes.list_boxes(*require_box(minf, b"stbl"))
    entry = _read_entry(boxes, require_box(stbl, b"stsd"))
    shift, edit_fault = _read_edits(boxes, trak, moov, timescale)
    at = extent[0]
    movie = _MovieHeader(
        *(entry, track_id, rotation, timescale, shift, edit_fault),
        tables=_shift_boxes(stbl, -at),
        is_fragmented=find_box(moov, b"mvex") is not None,
    )
    # A box without a size would be longer in another file, so a header with one is not cached.
    if len(top) <= _MOST_TOP_BOXES and boxes.open_ends == open_ends:
        inner_boxes = _shift_boxes([*moov, *trak, *mdia, *stbl], -at)
        _header_cache.add(memoryview(boxes.data)[slice(*extent)], movie, inner_boxes)
    return movie


def _shift_boxes(boxes: list[Box], offset: int) -> list[Box]:
    return [(kind, start + offset, end + offset) for kind, start, end in boxes]


def _find_picture_track(boxes: BoxReader, moov: list[Box]) -> tuple[list[Box], list[Box]]:
    """Find the first track with pictures; return the boxes of the track and of its media."""
    for extent in find_boxes(moov, b"trak"):
        trak = boxes.list_boxes(*extent)
        mdia = boxes.list_boxes(*require_box(trak, b"mdia"))
        if boxes.read_numbers(_U32_PAIR, require_box(mdia, b"hdlr"), 4)[1] == _PICTURE_HANDLER:
            return trak, mdia
    raise MalformedInput("no picture track")


def _read_version(boxes: BoxReader, box: Extent) -> int:
    """Read the version of a box: 0, or 1 for 64-bit times."""
    return min(1, int(boxes.read_numbers(_U32, box)[0]) >> 24)


def _read_track_header(boxes: BoxReader, tkhd: Extent) -> tuple[int, int]:
    """Read the number of a track, and the degrees by which its picture has to be turned."""
    is_long = _read_version(boxes, tkhd)
    (track_id,) = boxes.read_numbers(_U32, tkhd, 20 if is_long else 12)
    a, b = boxes.read_numbers(_MATRIX, tkhd, 52 if is_long else 40)
    return int(track_id), _ROTATIONS.get((a, b), 0)


def _read_timescale(boxes: BoxReader, header: Extent) -> int:
    """Read the ticks a second of a media or movie header."""
    (timescale,) = boxes.read_numbers(_U32, header, 20 if _read_version(boxes, header) else 12)
    if timescale == 0:
        raise MalformedInput("a time scale of 0 ticks a second")
    return int(timescale)


def _check_data_is_here(boxes: BoxReader, minf: list[Box]) -> None:
    """Refuse a track whose data reference names another file."""
    dref = require_box(boxes.list_boxes(*require_box(minf, b"dinf")), b"dref")
    references = boxes.list_boxes(dref[0] + 8, dref[1])
    if not references:
        raise MalformedInput("no data reference")
    for kind, start, end in references:
        if kind != b"url " or not boxes.read_numbers(_U32, (start, end))[0] & 1:
            raise MalformedInput("the data reference names another file")


def _read_entry(boxes: BoxReader, stsd: Extent) -> _SampleEntry:
    """Read the first sample description."""
    entries = boxes.list_boxes(stsd[0] + 8, stsd[1])
    if not entries:
        raise MalformedInput("no sample description")
    kind, start, end = entries[0]
    width, height = boxes.read_numbers(_SIZE_PX, (start, end), _PICTURE_SIZE_AT)
    if not width or not height:
        raise MalformedInput(f"pictures of {width} x {height} pixels")
    fault = None
    if max(width, height) > LIMITS.video_px:
        fault = f"its pictures have {width} x {height} pixels, at most {LIMITS.video_px} play"
    family = _AVC.get(kind)
    if family is None:
        codec = log.shown(kind.decode("latin-1"))
        name = _CODEC_NAMES.get(codec, "of another kind")
        fault = f"it is {name} ({codec}); H.264 plays here"
        return _SampleEntry(codec, b"", width, height, 0, fault)
    record = require_box(boxes.list_boxes(start + _PICTURE_BOXES_AT, end), b"avcC")
    body = bytes(boxes.data[slice(*record)])
    config = avc.read_avc_config(body)
    codec = f"{family}.{config.profile_text}"
    return _SampleEntry(codec, body, width, height, config.nal_length_bytes, fault or config.fault)


def _check_samples(table: SampleTable, file_bytes: int) -> None:
    """Refuse samples that are empty, outside the file, or more than it can hold."""
    if not table.sizes:
        raise MalformedInput("the picture track has no samples")
    if min(table.sizes) == 0:
        raise MalformedInput(f"sample {table.sizes.index(0) + 1} is empty")
    ends = map(int.__add__, table.offsets, table.sizes)
    if max(ends) > file_bytes or min(table.offsets) < 0:
        raise MalformedInput(f"a sample lies outside the file of {file_bytes} bytes")
    # Without this a small file could name the same bytes a thousand times and cost as much.
    if sum(table.sizes) > file_bytes:
        raise MalformedInput(f"the samples have {sum(table.sizes)} bytes, the file {file_bytes}")


def _check_nals(table: SampleTable, data: bytes | memoryview, entry: _SampleEntry) -> str | None:
    """Follow the NALs of every sample; a keyframe has to be one by the table and by its bytes."""
    extents = zip(table.offsets, table.sizes, strict=True)
    starts = avc.walk_samples(data, extents, nal_length_bytes=entry.nal_length_bytes)
    table.keys = [key and start for key, start in zip(table.keys, starts, strict=True)]
    return None if table.keys[0] else "its first frame is not a keyframe"


def _read_edits(
    boxes: BoxReader, trak: list[Box], moov: list[Box], timescale: int
) -> tuple[int, str | None]:
    """Read where the presentation begins.

    Returns:
        Ticks to add to every time: minus what is cut from the beginning, plus an initial wait;
        and the fault of an edit list that does more than that.
    """
    edts = find_box(trak, b"edts")
    elst = find_box(boxes.list_boxes(*edts), b"elst") if edts else None
    if elst is None:
        return 0, None
    _, rows = boxes.read_numbers(_U32_PAIR, elst)
    layout = _EDITS[_read_version(boxes, elst)]
    wait = 0
    for row in range(rows):
        length, begins_at, rate = boxes.read_numbers(layout, elst, 8 + row * layout.size)
        if begins_at >= 0:
            is_plain = rate == _ONE and row == rows - 1
            return wait - begins_at, None if is_plain else _EDITED
        movie_timescale = _read_timescale(boxes, require_box(moov, b"mvhd"))
        wait += length * timescale // movie_timescale
    return wait, None


def _place_samples(table: SampleTable, shift: int, timescale: int) -> tuple[VideoSample, ...]:
    """Put the samples on the clock of the presentation: each lasts until the next one shown."""
    times = [
        decoded_at + shown_after + shift
        for decoded_at, shown_after in zip(table.decoded_at, table.shown_after, strict=True)
    ]
    order = sorted(range(len(times)), key=times.__getitem__)
    durations = [0] * len(times)
    for place, next_place in pairwise(order):
        durations[place] = times[next_place] - times[place]
    last = order[-1]
    durations[last] = (
        table.lengths[last]
        or (durations[order[-2]] if len(order) > 1 else 0)
        or max(1, timescale * _DEFAULT_FRAME_MS // 1_000)
    )
    columns = zip(times, durations, table.sizes, table.offsets, table.keys, strict=True)
    return tuple(map(VideoSample._make, columns))


def _judge_length(duration_ms: int) -> str | None:
    """Return the fault of a video that is too long or hides all its frames, or None."""
    if duration_ms > LIMITS.video_ms:
        return f"it lasts {units.format_duration(duration_ms)}, at most {_LONGEST} play"
    return "its edit list hides every frame" if duration_ms <= 0 else None
