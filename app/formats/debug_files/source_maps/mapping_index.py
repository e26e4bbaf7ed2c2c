"""The positions of a source map, cut into slices of 512 bytes that can each be decoded alone.

A slice is the text of the map as it was. Beside it stand the numbers that have been reached where
it begins, and the position of its first segment, by which it is found. A map with a million
segments is walked once, at the upload, in a second; a look-up decodes one slice in 0.1 ms.
"""

import re
from array import array
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import astuple, dataclass
from typing import Any, Final

from app.core.errors import MalformedInput, OversizedInput
from app.formats.debug_files.packed.blocks import BlockPlace, BlockReader, BlockWriter
from app.formats.debug_files.source_maps import vlq

_SLICE_BYTES: Final = 512
_LONGEST_SEGMENT_BYTES: Final = 64
"""Five numbers of seven digits are 35."""
_BLOCK_BYTES: Final = 16 * 1024
_SEPARATOR: Final = re.compile(rb"[,;]")
_LINE_END: Final = re.compile(rb";")
_WIDTH: Final = 11
"""The numbers of a slice: line and column of its first segment; block, start and end of its text;
the six numbers of the walk where it begins."""
_ONLY_COLUMN: Final = 1
_WITH_NAME: Final = 5
_WALKED_SEGMENTS: Final = 50_000
_LOOKED_UP_SEGMENTS: Final = 1_000
"""Decoded segments that are kept: many while a map is walked, few for its look-ups."""
_MOST_SORTED: Final = 300_000
"""Segments of a line that are out of order; sorting them takes 250 bytes for each."""
_SORTED_BYTES: Final = 8 * 1024 * 1024
"""Mappings that are out of order; sorting them takes three seconds."""


@dataclass(frozen=True, slots=True)
class MappedPosition:
    """The source of a position of a script; lines and columns count from 0."""

    source: int
    """Number of the source in the map."""
    line: int
    column: int
    name: int | None
    """Number of the name in the map; at a call it is often that of the function called."""


@dataclass(frozen=True, slots=True)
class MapPart:
    """The beginning of the mappings of a map, or of a section of it, and the names in them."""

    line: int = 0
    """Line of the script on which the part begins, from 0."""
    column: int = 0
    first_source: int = 0
    sources: int = 0
    """Number of sources that the part may name."""
    first_name: int = 0
    names: int = 0


@dataclass(slots=True)
class _Walk:
    """The numbers that have been reached in a map; every segment adds to them."""

    line: int
    column: int
    source: int
    source_line: int
    source_column: int
    name: int


class _OutOfOrder(Exception):
    """The segments of a line do not ascend."""


class MappingIndexer:
    """Walks over mappings and writes their slices."""

    def __init__(self, writer: BlockWriter) -> None:
        self._writer = writer
        self._segments = vlq.SegmentCache(limit=_WALKED_SEGMENTS)
        self._slices = array("q")
        self._text = bytearray()
        self._blocks: list[BlockPlace] = []

    def add_part(self, text: memoryview, part: MapPart) -> None:
        """Add the mappings of a map or of a section; sections in the order of their positions.

        Args:
            text: The member `mappings` without its quotes.
            part: The beginning of the mappings, and the numbers of their sources and names.

        Raises:
            MalformedInput: They do not follow the format, or name what the map does not have.
            OversizedInput: Too many segments are out of order.
        """
        slices = len(self._slices)
        try:
            self._add_text(text, part)
        except _OutOfOrder:
            del self._slices[slices:]
            self._add_sorted_text(text, part)

    def finish(self) -> dict[str, Any]:
        """Write what is left, and return what `MappingIndex` needs to read the slices."""
        self._flush_text()
        slices = self._slices
        order = sorted(range(0, len(slices), _WIDTH), key=lambda at: (slices[at], slices[at + 1]))
        in_order = array("q")
        for at in order:
            in_order.extend(slices[at : at + _WIDTH])
        return {"slices": self._writer.add_block(in_order.tobytes()), "blocks": self._blocks}

    def _add_text(self, text: memoryview, part: MapPart) -> None:
        walk = _Walk(part.line, part.column, part.first_source, 0, 0, part.first_name)
        # An empty slice: before its first segment, a section does not continue the one before it.
        self._add_slice(b"", (part.line, part.column), walk)
        at = 0
        while at < len(text):
            end = _find_slice_end(text, at)
            slice_text = bytes(text[at:end])
            start = _Walk(*astuple(walk))
            first_position = _walk_slice(slice_text, walk, self._segments, part)
            if first_position is not None:
                self._add_slice(slice_text, first_position, start)
            at = end

    def _add_sorted_text(self, text: memoryview, part: MapPart) -> None:
        try:
            self._add_text(memoryview(self._sort_segments(text)), part)
        except _OutOfOrder:
            raise MalformedInput("a segment of the source map comes before its line") from None

    def _add_slice(self, text: bytes, position: tuple[int, int], start: _Walk) -> None:
        if len(self._text) + len(text) > _BLOCK_BYTES:
            self._flush_text()
        at = len(self._text)
        self._text += text
        self._slices.extend(position)
        self._slices.extend((len(self._blocks), at, at + len(text)))
        self._slices.extend(astuple(start))

    def _flush_text(self) -> None:
        self._blocks.append(self._writer.add_block(self._text))
        self._text.clear()

    def _sort_segments(self, text: memoryview) -> bytearray:
        """Write mappings anew, the segments of each line in ascending order.

        The standard asks for this order, but tools that join maps do not always keep it.
        """
        if len(text) > _SORTED_BYTES:
            raise OversizedInput(
                f"segments of the source map are out of order, and it is over {_SORTED_BYTES} bytes"
            )
        ordered = bytearray()
        old, new = _Walk(0, 0, 0, 0, 0, 0), _Walk(0, 0, 0, 0, 0, 0)
        for line_text in _iterate_lines(text):
            if line_text.count(b",") > _MOST_SORTED:
                raise OversizedInput(
                    f"a line of the source map has more than {_MOST_SORTED} unsorted segments"
                )
            old.column = new.column = 0
            line = sorted(_iterate_segments(line_text, old, self._segments), key=_get_column)
            ordered += b",".join([_encode_segment(position, new) for position in line]) + b";"
        return ordered


class MappingIndex:
    """Finds positions in the slices that a `MappingIndexer` wrote."""

    def __init__(self, reader: BlockReader, places: dict[str, Any]) -> None:
        """Take the file and what `MappingIndexer.finish` returned."""
        self._reader = reader
        self._blocks = places["blocks"]
        self._slices = array("q", reader.read_block(places["slices"]))
        self._segments = vlq.SegmentCache(limit=_LOOKED_UP_SEGMENTS)

    def find_position(self, line: int, column: int) -> MappedPosition | None:
        """Find where a position of the script comes from; lines and columns count from 0.

        Returns:
            The source of the last segment of this line at or before the column. None if there is
            no segment, or if the segment says that its code comes from no source.

        Raises:
            MalformedInput: The file is damaged.
        """
        slices = self._slices
        number = bisect_right(
            range(len(slices) // _WIDTH),
            (line, column),
            key=lambda at: (slices[at * _WIDTH], slices[at * _WIDTH + 1]),
        )
        if not number:
            return None
        _, _, block, start, end, *walk = slices[(number - 1) * _WIDTH : number * _WIDTH]
        last: MappedPosition | None = None
        for at_line, at_column, position in _iterate_positions(
            self._reader.recall(self._blocks[block], bytes)[start:end], _Walk(*walk), self._segments
        ):
            if (at_line, at_column) > (line, column):
                break
            last = position if at_line == line else None
        return last


def _find_slice_end(text: memoryview, start: int) -> int:
    wanted = start + _SLICE_BYTES
    if wanted + _LONGEST_SEGMENT_BYTES >= len(text):
        return len(text)
    match = _SEPARATOR.search(text, wanted, wanted + _LONGEST_SEGMENT_BYTES)
    if match is None:
        raise MalformedInput("a segment of the source map is longer than five numbers")
    return match.start()


def _iterate_lines(text: memoryview) -> Iterator[bytes]:
    """Yield lines without their `;`, one at a time, as there may be millions of empty ones."""
    start = 0
    for separator in _LINE_END.finditer(text):
        yield bytes(text[start : separator.start()])
        start = separator.end()
    yield bytes(text[start:])


def _walk_slice(  # noqa: C901 - one loop over millions of segments; a call for each would double it
    text: bytes, walk: _Walk, segments: vlq.SegmentCache, part: MapPart
) -> tuple[int, int] | None:
    """Move the walk to the end of a slice, and check what it passes.

    Returns:
        Line and column of the first segment; None if there is none.

    Raises:
        MalformedInput: A segment cannot be read, or names a source, a name or a line that is not
            there.
        _OutOfOrder: A segment comes before the one to its left.
    """
    first_position: tuple[int, int] | None = None
    lowest_source, lowest_name = part.first_source, part.first_name
    source_end, name_end = lowest_source + part.sources, lowest_name + part.names
    for number, line_text in enumerate(text.split(b";")):
        if number:
            walk.line += 1
            walk.column = 0
        if not line_text:
            continue
        column, source, name = walk.column, walk.source, walk.name
        source_line, source_column = walk.source_line, walk.source_column
        for segment_text in line_text.split(b","):
            if not segment_text:
                continue
            fields, added, source_step, line_step, column_step, name_step = segments[segment_text]
            if added < 0:
                raise _OutOfOrder
            column += added
            if first_position is None:
                first_position = (walk.line, column)
            if fields == _ONLY_COLUMN:
                continue
            source += source_step
            source_line += line_step
            source_column += column_step
            name += name_step
            if not (
                lowest_source <= source < source_end
                and source_line >= 0
                and source_column >= 0
                and (fields < _WITH_NAME or lowest_name <= name < name_end)
            ):
                raise MalformedInput(
                    f"line {walk.line + 1}, column {column + 1} of the source map names a source, "
                    "name or position that is not there"
                )
        walk.column, walk.source, walk.name = column, source, name
        walk.source_line, walk.source_column = source_line, source_column
    return first_position


def _iterate_positions(
    text: bytes, walk: _Walk, segments: vlq.SegmentCache
) -> Iterator[tuple[int, int, MappedPosition | None]]:
    """Yield line, column and source of each segment."""
    for number, line_text in enumerate(text.split(b";")):
        if number:
            walk.line += 1
            walk.column = 0
        for column, position in _iterate_segments(line_text, walk, segments):
            yield walk.line, column, position


def _iterate_segments(
    line_text: bytes, walk: _Walk, segments: vlq.SegmentCache
) -> Iterator[tuple[int, MappedPosition | None]]:
    """Yield column and source of each segment of one line, or of what a slice has of it."""
    for segment_text in line_text.split(b","):
        if segment_text:
            fields, added, source_step, line_step, column_step, name_step = segments[segment_text]
            walk.column += added
            walk.source += source_step
            walk.source_line += line_step
            walk.source_column += column_step
            walk.name += name_step
            yield (
                walk.column,
                None
                if fields == _ONLY_COLUMN
                else MappedPosition(
                    walk.source,
                    walk.source_line,
                    walk.source_column,
                    walk.name if fields == _WITH_NAME else None,
                ),
            )


def _encode_segment(segment: tuple[int, MappedPosition | None], walk: _Walk) -> bytes:
    """Encode a segment as the step from where the walk stands, and move the walk there."""
    column, position = segment
    steps = [column - walk.column]
    walk.column = column
    if position is not None:
        steps += [
            position.source - walk.source,
            position.line - walk.source_line,
            position.column - walk.source_column,
        ]
        walk.source, walk.source_line, walk.source_column = (
            position.source,
            position.line,
            position.column,
        )
        if position.name is not None:
            steps.append(position.name - walk.name)
            walk.name = position.name
    return vlq.encode_numbers(steps)


def _get_column(segment: tuple[int, MappedPosition | None]) -> int:
    return segment[0]
