"""Reads the headers of the records that `index.build` writes, as a player does."""

from collections.abc import Iterator
from typing import Final, NamedTuple

from app.playback.video.index import Gop

_MORE: Final = 0x80
"""The bit that is set if a number goes on in the next byte."""


class CodedPicture(NamedTuple):
    """One coded picture of a GOP, as the header of its record describes it."""

    at_ms: int
    size_bytes: int
    is_shown: bool


def read_coded_pictures(gop: Gop) -> list[CodedPicture]:
    """Read the header of a record: its pictures in decode order, on the replay's clock."""
    numbers = _read_numbers(gop.header)
    next(numbers)
    return [
        CodedPicture(gop.start_ms + _unzigzag(offset), size >> 1, not size & 1)
        for size, offset in zip(numbers, numbers, strict=True)
    ]


def _read_numbers(data: bytes) -> Iterator[int]:
    """Read unsigned LEB128 numbers that `_varint` wrote."""
    value = shift = 0
    for byte in data:
        value |= (byte & _MORE - 1) << shift
        shift += 7
        if byte < _MORE:
            yield value
            value = shift = 0


def _unzigzag(value: int) -> int:
    """Undo `_zigzag`."""
    return value >> 1 if not value & 1 else -(value + 1 >> 1)
