"""Reads the samples of a fragmented MP4: each `moof` box describes the data that follows it.

    moov/mvex/trex                defaults for all samples
    moof/traf/tfhd, tfdt, trun…   track and defaults, time of the first sample, one row a sample

Source: ISO/IEC 14496-12, section 8.8.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from struct import Struct
from typing import Final

from app.core.errors import MalformedInput, OversizedInput
from app.core.limits import LIMITS
from app.formats.video.boxes import Box, BoxReader, Extent, find_box, find_boxes, require_box
from app.formats.video.sample_table import FORMAT_CHANGES, SampleTable

_TREX: Final = Struct(">5I")
"""Track, sample description, length, size and flags of samples, after version and flags."""
_U32: Final = Struct(">I")
_U64: Final = Struct(">Q")
_BOX_HEADER_BYTES: Final = 8

_HAS_BASE: Final = 0x1
_HAS_DESCRIPTION: Final = 0x2
_HAS_LENGTH: Final = 0x8
_HAS_SIZE: Final = 0x10
_HAS_MARKS: Final = 0x20
_BASE_IS_MOOF: Final = 0x20000

_RUN_HAS_OFFSET: Final = 0x1
_RUN_HAS_FIRST_MARKS: Final = 0x4
_RUN_LENGTH: Final = 0x100
_RUN_SIZE: Final = 0x200
_RUN_MARKS: Final = 0x400
_RUN_SHIFT: Final = 0x800
_RUN_COLUMNS: Final = (_RUN_LENGTH, _RUN_SIZE, _RUN_MARKS, _RUN_SHIFT)
_SAMPLE_IS_NO_KEY: Final = 0x10000


@dataclass(frozen=True, slots=True)
class _SampleDefaults:
    """The values of the samples of a fragment that have none of their own."""

    description: int
    length: int
    size: int
    marks: int
    """The flags of the samples; they are called marks to tell them from the flags of a box."""


def add_fragments(
    table: SampleTable, boxes: BoxReader, *, top: list[Box], moov: list[Box], track_id: int
) -> None:
    """Add the samples that the fragments of a file hold for one track.

    Raises:
        MalformedInput: A fragment is cut, or does not say where its samples lie.
        OversizedInput: There are more samples than `LIMITS.mp4_samples`.
    """
    mvex = find_box(moov, b"mvex")
    if mvex is None:
        return
    reader = _FragmentReader(
        table, boxes, _read_track_defaults(boxes, boxes.list_boxes(*mvex), track_id)
    )
    for moof in find_boxes(top, b"moof"):
        for number, extent in enumerate(find_boxes(boxes.list_boxes(*moof), b"traf")):
            traf = boxes.list_boxes(*extent)
            header = _FieldReader(boxes, require_box(traf, b"tfhd"))
            if header.read_next() == track_id:
                reader.add_fragment(traf, header, moof=moof, is_first=number == 0)


def _read_track_defaults(boxes: BoxReader, mvex: Iterable[Box], track_id: int) -> _SampleDefaults:
    """Read the defaults of a track for all of its fragments."""
    for extent in find_boxes(mvex, b"trex"):
        track, description, length, size, marks = boxes.read_numbers(_TREX, extent, 4)
        if track == track_id:
            return _SampleDefaults(description, length, size, marks)
    return _SampleDefaults(description=1, length=0, size=0, marks=0)


class _FieldReader:
    """Reads the fields of a box one after the other; its flags say which of them it has."""

    def __init__(self, boxes: BoxReader, extent: Extent) -> None:
        self._boxes, self._extent, self.at = boxes, extent, 0
        word = self.read_next()
        self.version, self.flags = word >> 24, word & 0xFF_FFFF

    def read_next(self, layout: Struct = _U32) -> int:
        (value,) = self._boxes.read_numbers(layout, self._extent, self.at)
        self.at += layout.size
        return int(value)

    def read_if_set(self, flag: int, default: int) -> int:
        """Read a field that the box has if a flag is set; otherwise return a default."""
        return self.read_next() if self.flags & flag else default


class _FragmentReader:
    """Adds fragments to a table, and keeps where and when the samples of the next run begin."""

    def __init__(
        self, table: SampleTable, boxes: BoxReader, track_defaults: _SampleDefaults
    ) -> None:
        self._table, self._boxes, self._track_defaults = table, boxes, track_defaults
        self._base = self._at = 0
        # A track may have samples in its own tables and go on in fragments.
        self._decoded_at = table.decoded_at[-1] + table.lengths[-1] if table.sizes else 0

    def add_fragment(
        self, traf: list[Box], header: _FieldReader, *, moof: Extent, is_first: bool
    ) -> None:
        """Add the samples of one track fragment, whose header is read up to its track number."""
        if header.flags & _HAS_BASE:
            self._base = header.read_next(_U64)
        elif is_first or header.flags & _BASE_IS_MOOF:
            self._base = moof[0] - _BOX_HEADER_BYTES
        else:
            # It would count from the end of another track's data. Writers of one track need not.
            raise MalformedInput("a fragment does not say where its samples lie")
        self._at = self._base
        track_defaults = self._track_defaults
        defaults = _SampleDefaults(
            header.read_if_set(_HAS_DESCRIPTION, track_defaults.description),
            header.read_if_set(_HAS_LENGTH, track_defaults.length),
            header.read_if_set(_HAS_SIZE, track_defaults.size),
            header.read_if_set(_HAS_MARKS, track_defaults.marks),
        )
        if defaults.description != 1:
            self._table.fault = FORMAT_CHANGES
        tfdt = find_box(traf, b"tfdt")
        if tfdt is not None:
            time = _FieldReader(self._boxes, tfdt)
            self._decoded_at = time.read_next(_U64 if time.version else _U32)
        for trun in find_boxes(traf, b"trun"):
            self._add_run(trun, defaults)

    def _add_run(self, trun: Extent, defaults: _SampleDefaults) -> None:
        """Add the samples of one run."""
        table = self._table
        fields = _FieldReader(self._boxes, trun)
        count = fields.read_next()
        if len(table.sizes) + count > LIMITS.mp4_samples:
            raise OversizedInput(f"more than {LIMITS.mp4_samples} samples")
        if fields.flags & _RUN_HAS_OFFSET:
            self._at = self._base + _to_signed(fields.read_next())
        first_marks = [fields.read_next()] if fields.flags & _RUN_HAS_FIRST_MARKS else []
        columns = self._read_columns(trun, fields, count=count)
        sizes = columns.get(_RUN_SIZE) or [defaults.size] * count
        lengths = columns.get(_RUN_LENGTH) or [defaults.length] * count
        marks = columns.get(_RUN_MARKS) or [defaults.marks] * count
        table.sizes += sizes
        table.lengths += lengths
        table.shown_after += map(_to_signed, columns.get(_RUN_SHIFT) or [0] * count)
        marks = [*first_marks, *marks[len(first_marks) :]][:count]
        table.keys += [not mark & _SAMPLE_IS_NO_KEY for mark in marks]
        for size, length in zip(sizes, lengths, strict=True):
            table.offsets.append(self._at)
            table.decoded_at.append(self._decoded_at)
            self._at += size
            self._decoded_at += length

    def _read_columns(
        self, trun: Extent, fields: _FieldReader, *, count: int
    ) -> dict[int, list[int]]:
        """Read the rows of a run by column; the flags of the run say which columns it has."""
        columns = [flag for flag in _RUN_COLUMNS if fields.flags & flag]
        width = len(columns)
        numbers = self._boxes.read_rows("I", trun, fields.at, count=count, columns=width)
        return {flag: list(numbers[k::width]) for k, flag in enumerate(columns)}


def _to_signed(value: int) -> int:
    """Return an unsigned number of 32 bits as the signed number of the same bits."""
    return value - (1 << 32) if value >> 31 else value
