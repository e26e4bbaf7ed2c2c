"""Reads what playback needs to know of an MP4: where each frame lies, when it is due, who plays it.

Nothing is decoded. A file that is broken raises; one that is whole but will not play here carries
a `fault`, so that no viewer is handed a video that cannot work.

    ftyp | moov | trak | tkhd                       number, rotation
         |      |      | edts/elst                  where the presentation begins
         |      |      | mdia | mdhd, hdlr          ticks a second, kind of track
         |      |             | minf/dinf/dref      where the data is: in this file
         |      |             | minf/stbl           codec and tables (sample_table.py)
         |      | mvex                              fragments follow (fragments.py)
    mdat | moof, mdat …

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
"""Length, media time, rate."""

_PICTURE_SIZE_AT: Final = 24
_PICTURE_BOXES_AT: Final = 78
"""In a visual sample entry, after its size and kind."""
_AVC: Final = {b"avc1": "avc1", b"avc3": "avc3"}
_CODEC_NAMES: Final = {
    "hvc1": "HEVC", "hev1": "HEVC", "vp08": "VP8", "vp09": "VP9", "av01": "AV1",
    "mp4v": "MPEG-4 video or JPEG pictures", "jpeg": "JPEG pictures", "mjpg": "JPEG pictures",
}  # fmt: skip
_PICTURES: Final = int.from_bytes(b"vide", "big")
_ONE: Final = 1 << 16
"""1.0 as a 16.16 number."""
_ROTATIONS: Final = {(0, _ONE): 90, (-_ONE, 0): 180, (0, -_ONE): 270}
_MOST_TOP_BOXES: Final = 64
"""A file of more is read without what is known of others, so that its boxes are all counted."""
_DEFAULT_FRAME_MS: Final = 1_000
"""A lone frame that does not say how long it lasts: SDKs record one a second."""
_LONGEST: Final = units.format_duration(LIMITS.video_ms)
_EDITED: Final = "its edit list does more than choose where it begins"


class VideoSample(NamedTuple):
    """One coded frame. A tuple, because it is made for every frame that arrives."""

    at: int
    """When it is shown, in ticks from the start of the presentation; negative: before it."""
    duration: int
    """Ticks until the next frame is shown."""
    size_bytes: int
    offset: int
    """First byte in the file."""
    is_key: bool
    """Whether decoding can start here."""


@dataclass(frozen=True, slots=True)
class _SampleEntry:
    """What the sample description says of the pictures."""

    codec: str
    config: bytes
    width: int
    height: int
    nal_length_bytes: int
    fault: str | None


@dataclass(frozen=True, slots=True)
class _MovieHeader:
    """What a movie header says of its picture track, all but the rows of the sample tables."""

    entry: _SampleEntry
    track_id: int
    rotation_degrees: int
    timescale: int
    shift: int
    """Ticks to add to every time."""
    edit_fault: str | None
    tables: list[Box]
    """From the first byte of the header."""
    is_fragmented: bool

    def tables_at(self, at: int) -> list[Box]:
        """Return the tables of a header whose body begins there."""
        return _moved(self.tables, at)


_movies: Final = MovieHeaderCache[_MovieHeader]()


class Video(msgspec.Struct, frozen=True, gc=False):
    """The picture track of one MP4."""

    codec: str
    """As browsers name it, `avc1.42C01F`; only the four letters if it is not H.264."""
    config: bytes
    """The body of `avcC`; empty if it is not H.264."""
    width: int
    height: int
    timescale: int
    """Ticks a second."""
    samples: tuple[VideoSample, ...]
    """In decode order, at least one; the first is a keyframe unless there is a fault."""
    rotation_degrees: int = 0
    """How far the track header asks players to turn the picture, clockwise."""
    fault: str | None = None
    """Why this file is whole and still does not play, for people; None when it plays."""

    @property
    def is_playable(self) -> bool:
        return self.fault is None

    @property
    def duration_ms(self) -> int:
        """From the start of the presentation to the end of its last frame."""
        end = max(sample.at + sample.duration for sample in self.samples)
        return round_ms(end, self.timescale)


def round_ms(ticks: int, timescale: int) -> int:
    """Turn ticks into the nearest milliseconds, halves up."""
    return (ticks * 2_000 + timescale) // (timescale * 2)


def read_video(data: bytes | memoryview) -> Video:
    """Read the first picture track of an MP4, fragmented or not, `moov` first or last.

    Raises:
        MalformedInput: It is cut, no MP4, has no picture track, no samples, samples outside the
            file, or samples that are no H.264 although it says so.
        OversizedInput: It has more boxes or samples than `LIMITS` allow.
    """
    boxes = BoxReader(data)
    top = boxes.inside(0, len(data))
    moov = require_box(top, b"moov")
    movie = _known(boxes, top, moov) or _read_movie(boxes, top, moov)
    table = read_sample_table(boxes, movie.tables_at(moov[0]))
    if movie.is_fragmented:
        inside = boxes.inside(*moov)
        add_fragments(table, boxes, top=top, moov=inside, track_id=movie.track_id)
    _check_samples(table, len(data))
    entry = movie.entry
    fault = entry.fault or _look_inside(table, data, entry) or table.fault or movie.edit_fault
    samples = _place_samples(table, movie.shift, movie.timescale)
    duration_ms = round_ms(max([one.at + one.duration for one in samples]), movie.timescale)
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


def _known(boxes: BoxReader, top: list[Box], moov: Extent) -> _MovieHeader | None:
    """Return what another file's movie header said, if this one says the same."""
    if len(top) > _MOST_TOP_BOXES:
        return None
    return _movies.known(memoryview(boxes.data)[slice(*moov)])


def _read_movie(boxes: BoxReader, top: list[Box], extent: Extent) -> _MovieHeader:
    """Walk through a movie header, all but the rows of its sample tables."""
    open_ends = boxes.open_ends
    moov = boxes.inside(*extent)
    trak, mdia = _find_picture_track(boxes, moov)
    track_id, rotation = _read_track_header(boxes, require_box(trak, b"tkhd"))
    timescale = _read_timescale(boxes, require_box(mdia, b"mdhd"))
    minf = boxes.inside(*require_box(mdia, b"minf"))
    _check_data_is_here(boxes, minf)
    stbl = boxes.inside(*require_box(minf, b"stbl"))
    entry = _read_entry(boxes, require_box(stbl, b"stsd"))
    shift, edit_fault = _read_edits(boxes, trak, moov, timescale)
    at = extent[0]
    movie = _MovieHeader(
        *(entry, track_id, rotation, timescale, shift, edit_fault),
        tables=_moved(stbl, -at),
        is_fragmented=find_box(moov, b"mvex") is not None,
    )
    if len(top) <= _MOST_TOP_BOXES and boxes.open_ends == open_ends:
        leaves = _moved([*moov, *trak, *mdia, *stbl], -at)
        _movies.learn(memoryview(boxes.data)[slice(*extent)], movie, leaves)
    return movie


def _moved(found: list[Box], by: int) -> list[Box]:
    return [(kind, start + by, end + by) for kind, start, end in found]


def _find_picture_track(boxes: BoxReader, moov: list[Box]) -> tuple[list[Box], list[Box]]:
    """Open the first track whose handler is for pictures; return what it and its media hold."""
    for extent in find_boxes(moov, b"trak"):
        trak = boxes.inside(*extent)
        mdia = boxes.inside(*require_box(trak, b"mdia"))
        if boxes.numbers(_U32_PAIR, require_box(mdia, b"hdlr"), 4)[1] == _PICTURES:
            return trak, mdia
    raise MalformedInput("no picture track")


def _version(boxes: BoxReader, box: Extent) -> int:
    """Read the version of a box; 1 has 64-bit times."""
    return min(1, int(boxes.numbers(_U32, box)[0]) >> 24)


def _read_track_header(boxes: BoxReader, tkhd: Extent) -> tuple[int, int]:
    """Read the number of a track, and by how many degrees its picture is turned."""
    is_long = _version(boxes, tkhd)
    (track_id,) = boxes.numbers(_U32, tkhd, 20 if is_long else 12)
    a, b = boxes.numbers(_MATRIX, tkhd, 52 if is_long else 40)
    return int(track_id), _ROTATIONS.get((a, b), 0)


def _read_timescale(boxes: BoxReader, header: Extent) -> int:
    """Read the ticks a second of a media or movie header."""
    (timescale,) = boxes.numbers(_U32, header, 20 if _version(boxes, header) else 12)
    if timescale == 0:
        raise MalformedInput("a time scale of 0 ticks a second")
    return int(timescale)


def _check_data_is_here(boxes: BoxReader, minf: list[Box]) -> None:
    """Refuse a track whose data reference names another file."""
    dref = require_box(boxes.inside(*require_box(minf, b"dinf")), b"dref")
    references = boxes.inside(dref[0] + 8, dref[1])
    if not references:
        raise MalformedInput("no data reference")
    for kind, start, end in references:
        if kind != b"url " or not boxes.numbers(_U32, (start, end))[0] & 1:
            raise MalformedInput("the data reference names another file")


def _read_entry(boxes: BoxReader, stsd: Extent) -> _SampleEntry:
    """Read the first sample description."""
    entries = boxes.inside(stsd[0] + 8, stsd[1])
    if not entries:
        raise MalformedInput("no sample description")
    kind, start, end = entries[0]
    width, height = boxes.numbers(_SIZE_PX, (start, end), _PICTURE_SIZE_AT)
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
    record = require_box(boxes.inside(start + _PICTURE_BOXES_AT, end), b"avcC")
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


def _look_inside(table: SampleTable, data: bytes | memoryview, entry: _SampleEntry) -> str | None:
    """Follow the NALs of every sample; a keyframe is one by the table and by its bytes."""
    extents = zip(table.offsets, table.sizes, strict=True)
    starts = avc.walk_samples(data, extents, nal_length_bytes=entry.nal_length_bytes)
    table.keys = [key and start for key, start in zip(table.keys, starts, strict=True)]
    return None if table.keys[0] else "its first frame is no keyframe"


def _read_edits(
    boxes: BoxReader, trak: list[Box], moov: list[Box], timescale: int
) -> tuple[int, str | None]:
    """Read where the presentation begins.

    Returns:
        Ticks to add to every time: minus what is cut from the beginning, plus an initial wait;
        and the fault of an edit list that does more than that.
    """
    edts = find_box(trak, b"edts")
    elst = find_box(boxes.inside(*edts), b"elst") if edts else None
    if elst is None:
        return 0, None
    _, rows = boxes.numbers(_U32_PAIR, elst)
    layout = _EDITS[_version(boxes, elst)]
    wait = 0
    for row in range(rows):
        length, begins_at, rate = boxes.numbers(layout, elst, 8 + row * layout.size)
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
    lasting = [0] * len(times)
    for here, after in pairwise(order):
        lasting[here] = times[after] - times[here]
    last = order[-1]
    lasting[last] = (
        table.lengths[last]
        or (lasting[order[-2]] if len(order) > 1 else 0)
        or max(1, timescale * _DEFAULT_FRAME_MS // 1_000)
    )
    columns = zip(times, lasting, table.sizes, table.offsets, table.keys, strict=True)
    return tuple(map(VideoSample._make, columns))


def _judge_length(duration_ms: int) -> str | None:
    """Say whether a video is too long, or hides all its frames."""
    if duration_ms > LIMITS.video_ms:
        return f"it lasts {units.format_duration(duration_ms)}, at most {_LONGEST} play"
    return "its edit list hides every frame" if duration_ms <= 0 else None
