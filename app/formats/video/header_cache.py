"""Knows movie headers again: a phone writes the same one for every segment, but for some numbers.

    moov  = | kept | times | kept … | sizes of samples | kept … |
    shape = where the numbers stand, by the length of the header
    movie = what its boxes say, by the bytes that are kept

The numbers that change are the bodies of the sample tables, which are read anew each time, and the
times and lengths in the headers, which nobody reads. Where the rest is the same to the byte, the
boxes lie where they lay, and a walk through them would find what it found.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final

from app.formats.video.boxes import Box, Extent

_LONGEST_BYTES: Final = 4_096
_MOST_SHAPES: Final = 64
_MOST_MOVIES: Final = 64
"""Of one shape: 16 MB with the other limits, and some 100 kB of what phones write."""
_TABLE_HEADS: Final = {b"stts": 8, b"ctts": 8, b"stco": 8, b"co64": 8, b"stsz": 12}
"""What of a table is no row: version, flags, and counts."""
_TIMES: Final = {
    b"mvhd": ((4, 12), (16, 20)),
    b"mdhd": ((4, 12), (16, 20)),
    b"tkhd": ((4, 12), (20, 24)),
}
"""In version 0: when it was made and changed, and how long it lasts."""


@dataclass(slots=True)
class _HeaderShape[T]:
    """Headers of one length, whose numbers stand in the same places."""

    kept: tuple[Extent, ...]
    movies: dict[bytes, T] = field(default_factory=dict)


class MovieHeaderCache[T]:
    """What is known of movie headers; places in them count from their first byte."""

    def __init__(self) -> None:
        self._shapes: dict[int, _HeaderShape[T]] = {}

    def known(self, moov: memoryview) -> T | None:
        """Return what was learned of a header that differs from this one in numbers only."""
        shape = self._shapes.get(len(moov))
        return shape.movies.get(_fixed(moov, shape.kept)) if shape is not None else None

    def learn(self, moov: memoryview, movie: T, leaves: Iterable[Box]) -> None:
        """Keep what a header says.

        Args:
            moov: The body of the box.
            movie: What is to be known again; it does not depend on the numbers that change.
            leaves: Boxes in it that hold such numbers; others are left alone.
        """
        if len(moov) > _LONGEST_BYTES:
            return
        kept = _kept(moov, leaves)
        shape = self._shapes.get(len(moov))
        if shape is None or shape.kept != kept:
            if len(self._shapes) >= _MOST_SHAPES:
                self._shapes.clear()
            shape = self._shapes[len(moov)] = _HeaderShape(kept)
        if len(shape.movies) >= _MOST_MOVIES:
            shape.movies.clear()
        shape.movies[_fixed(moov, kept)] = movie


def _fixed(moov: memoryview, kept: tuple[Extent, ...]) -> bytes:
    return b"".join([moov[start:end] for start, end in kept])


def _kept(moov: memoryview, leaves: Iterable[Box]) -> tuple[Extent, ...]:
    """Return the stretches between the numbers that change."""
    changing: list[Extent] = []
    for kind, start, end in leaves:
        if kind in _TABLE_HEADS:
            changing.append((min(start + _TABLE_HEADS[kind], end), end))
        elif kind in _TIMES and start < end and moov[start] == 0:
            changing += [(start + a, start + b) for a, b in _TIMES[kind] if start + b <= end]
    edges = [0, *(edge for extent in sorted(changing) for edge in extent), len(moov)]
    return tuple(pairwise(edges))[::2]
