"""A cache of movie headers: a phone writes the same one for every segment, except for some numbers.

    moov  = | constant | times | constant … | sizes of samples | constant … |
    shape = where the changing numbers stand, by the length of the header
    value = what was read from the boxes, by the constant bytes

The numbers that change are the rows of the sample tables, which are read anew each time, and the
times and lengths in the headers, which nobody reads. If all other bytes are the same, the boxes lie
at the same offsets, and walking through them would find the same values. The walk costs 27 us of
the 640 us that a segment takes.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final

from app.formats.video.boxes import Box, Extent

_LONGEST_BYTES: Final = 4_096
_MOST_SHAPES: Final = 64
_MOST_HEADERS: Final = 64
"""Most headers of one shape. With the other limits these are 16 MB; what phones write is 100 kB."""
_TABLE_HEADS: Final = {b"stts": 8, b"ctts": 8, b"stco": 8, b"co64": 8, b"stsz": 12}
"""Bytes of a table before its rows: version, flags and counts."""
_TIMES: Final = {
    b"mvhd": ((4, 12), (16, 20)),
    b"mdhd": ((4, 12), (16, 20)),
    b"tkhd": ((4, 12), (20, 24)),
}
"""Offsets of the times of creation and change, and of the duration, in boxes of version 0."""


@dataclass(slots=True)
class _HeaderShape[T]:
    """The headers of one length, whose changing numbers stand at the same offsets."""

    constant: tuple[Extent, ...]
    values: dict[bytes, T] = field(default_factory=dict)


class MovieHeaderCache[T]:
    """Values that were read from movie headers. Offsets count from the first byte of a header."""

    def __init__(self) -> None:
        self._shapes: dict[int, _HeaderShape[T]] = {}

    def find(self, moov: memoryview) -> T | None:
        """Return the value of a header that differs from this one in changing numbers only."""
        shape = self._shapes.get(len(moov))
        if shape is None:
            return None
        return shape.values.get(_join_constant(moov, shape.constant))

    def add(self, moov: memoryview, value: T, boxes: Iterable[Box]) -> None:
        """Add the value that was read from a header.

        Args:
            moov: The body of the box.
            value: A value that does not depend on the numbers that change.
            boxes: The boxes in the header, of which some hold numbers that change.
        """
        if len(moov) > _LONGEST_BYTES:
            return
        constant = _find_constant(moov, boxes)
        shape = self._shapes.get(len(moov))
        if shape is None or shape.constant != constant:
            if len(self._shapes) >= _MOST_SHAPES:
                self._shapes.clear()
            shape = self._shapes[len(moov)] = _HeaderShape(constant)
        if len(shape.values) >= _MOST_HEADERS:
            shape.values.clear()
        shape.values[_join_constant(moov, constant)] = value


def _join_constant(moov: memoryview, constant: tuple[Extent, ...]) -> bytes:
    return b"".join([moov[start:end] for start, end in constant])


def _find_constant(moov: memoryview, boxes: Iterable[Box]) -> tuple[Extent, ...]:
    """Return the extents between the numbers that change."""
    changing: list[Extent] = []
    for kind, start, end in boxes:
        if kind in _TABLE_HEADS:
            changing.append((min(start + _TABLE_HEADS[kind], end), end))
        elif kind in _TIMES and start < end and moov[start] == 0:
            changing += [(start + a, start + b) for a, b in _TIMES[kind] if start + b <= end]
    edges = [0, *(edge for extent in sorted(changing) for edge in extent), len(moov)]
    return tuple(pairwise(edges))[::2]
