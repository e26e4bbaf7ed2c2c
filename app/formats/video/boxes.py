"""Walks the boxes of an MP4 file, and reads numbers out of them without leaving them.

    | size u32 | kind 4 bytes | body …            |    size counts all of it
    | 1        | kind         | size u64 | body … |
    | 0        | kind         | body to the end of the file

Source: ISO/IEC 14496-12, section 4.2.
"""

from collections.abc import Iterable
from functools import lru_cache
from struct import Struct
from typing import Any, Final

from app.core import log
from app.core.errors import MalformedInput, OversizedInput
from app.core.limits import LIMITS

Extent = tuple[int, int]
"""The offsets in the file at which the body of a box begins and ends."""
Box = tuple[bytes, int, int]
"""The kind of a box and the extent of its body. It is a plain tuple, because a segment has thirty
boxes."""
Numbers = tuple[int, ...]
"""The numbers of a table, row after row; `[k::columns]` is its column k."""

_HEADER: Final = Struct(">I4s")
_LARGE_SIZE: Final = Struct(">Q")
_COUNT: Final = Struct(">I")
_HEADER_BYTES: Final = 8
_LARGE_HEADER_BYTES: Final = 16


class BoxReader:
    """Reads the boxes of one file, up to a number of them, so that a hostile file costs little."""

    def __init__(self, data: bytes | memoryview) -> None:
        self.data = data
        self.open_ends = 0
        """The number of boxes so far that have no size and go on to the end of the file."""
        self._boxes_left = LIMITS.mp4_boxes

    def list_boxes(self, start: int, end: int) -> list[Box]:
        """List the boxes that fill a range of the file, one level deep, in their order.

        Raises:
            MalformedInput: A box is cut, or claims more or fewer bytes than there can be.
            OversizedInput: The file has more boxes than `LIMITS.mp4_boxes`.
        """
        read_header = _HEADER.unpack_from
        data, boxes_left = self.data, self._boxes_left
        boxes: list[Box] = []
        at = start
        while at < end:
            if at + _HEADER_BYTES > end:
                self._check_padding(at, end)
                break
            size, kind = read_header(data, at)
            body = at + _HEADER_BYTES
            if size <= 1:
                body, size = self._find_size(at, end, size)
            stop = at + size
            if stop > end or stop < body:
                raise MalformedInput(f"box at byte {at} claims {size} bytes, {end - at} are left")
            boxes.append((kind, body, stop))
            if len(boxes) > boxes_left:
                raise OversizedInput(f"more than {LIMITS.mp4_boxes} boxes")
            at = stop
        self._boxes_left = boxes_left - len(boxes)
        return boxes

    def _check_padding(self, at: int, end: int) -> None:
        """Accept a few zeros after the last box, as QuickTime writers leave them."""
        if any(self.data[at:end]):
            raise MalformedInput(f"box at byte {at} is cut after {end - at} bytes")

    def _find_size(self, at: int, end: int, size: int) -> tuple[int, int]:
        """Return the offset of the body and the size of a box whose header has no plain size."""
        if size == 0:
            self.open_ends += 1
            if end != len(self.data):
                raise MalformedInput(
                    f"box at byte {at} has no size and is not the last of the file"
                )
            return at + _HEADER_BYTES, end - at
        if at + _LARGE_HEADER_BYTES > end:
            raise MalformedInput(f"box at byte {at} is cut before its 64-bit size")
        return at + _LARGE_HEADER_BYTES, _LARGE_SIZE.unpack_from(self.data, at + _HEADER_BYTES)[0]

    def read_numbers(self, layout: Struct, box: Extent, offset: int = 0) -> tuple[Any, ...]:
        """Read the numbers that stand at an offset in the body of a box.

        Raises:
            MalformedInput: The box ends before they do.
        """
        at = box[0] + offset
        if at + layout.size > box[1]:
            raise MalformedInput(
                f"box that begins at byte {box[0]} is too short: {box[1] - box[0]}"
            )
        return layout.unpack_from(self.data, at)

    def read_table(
        self, code: str, box: Extent, *, columns: int = 1, head_bytes: int = 8
    ) -> Numbers:
        """Read a table of numbers of one type, whose head ends with the count of its rows.

        Args:
            code: The `struct` letter of its numbers.
            box: Extent of the box that holds the table.
            columns: Count of the numbers in a row.
            head_bytes: Length of the head, which stands before the first row.

        Raises:
            MalformedInput: The box is shorter than the claimed table.
            OversizedInput: There are more rows than a video may have samples.
        """
        start, end = box
        at = start + head_bytes
        if at > end:
            raise MalformedInput(f"table at byte {start} is cut before its first row")
        (rows,) = _COUNT.unpack_from(self.data, at - _COUNT.size)
        return self.read_rows(code, box, head_bytes, count=rows, columns=columns)

    def read_rows(
        self, code: str, box: Extent, offset: int, *, count: int, columns: int
    ) -> Numbers:
        """Read rows of numbers that stand at an offset in the body of a box.

        Args:
            code: The `struct` letter of the numbers.
            box: Extent of the box.
            offset: Offset of the first row in the body.
            count: Count of the rows.
            columns: Count of the numbers in a row.

        Raises:
            MalformedInput: The box ends before they do.
            OversizedInput: There are more rows than `LIMITS.mp4_samples`.
        """
        if count > LIMITS.mp4_samples:
            raise OversizedInput(f"table of {count} rows, at most {LIMITS.mp4_samples} are read")
        layout = _compile_row_layout(code, count * columns)
        at = box[0] + offset
        if at + layout.size > box[1]:
            raise MalformedInput(f"table at byte {at} is cut: {count} rows do not fit")
        return layout.unpack_from(self.data, at)


@lru_cache(maxsize=512)
def _compile_row_layout(code: str, count: int) -> Struct:
    """Compile the layout of a table. Every segment has tables of the same few lengths."""
    return Struct(f">{count}{code}")


def find_box(boxes: Iterable[Box], kind: bytes) -> Extent | None:
    """Return the extent of the first box of a kind, or None without any."""
    for name, start, end in boxes:
        if name == kind:
            return start, end
    return None


def find_boxes(boxes: Iterable[Box], kind: bytes) -> list[Extent]:
    """Return the extents of all boxes of a kind, in their order."""
    return [(start, end) for name, start, end in boxes if name == kind]


def require_box(boxes: Iterable[Box], kind: bytes) -> Extent:
    """Return the extent of the first box of a kind.

    Raises:
        MalformedInput: There is no such box.
    """
    extent = find_box(boxes, kind)
    if extent is None:
        raise MalformedInput(f"no {log.shown(kind.decode('latin-1'))} box")
    return extent
