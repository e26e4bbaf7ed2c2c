"""The box walker: what it finds, and that it never leaves a box."""

from struct import Struct

import pytest

from app.core.errors import MalformedInput, OversizedInput
from app.core.limits import LIMITS
from app.formats.video.boxes import BoxReader, find_box, find_boxes, require_box
from tests.support.builders.mp4_boxes import box, runs, u32, u64


def test_boxes_are_listed_in_order():
    """Kinds and extents of the bodies are listed in the order of the file."""
    data = box("ftyp", b"isom") + box("free") + box("free", b"xy")
    boxes = BoxReader(data).list_boxes(0, len(data))
    assert boxes == [(b"ftyp", 8, 12), (b"free", 20, 20), (b"free", 28, 30)]
    assert find_box(boxes, b"free") == (20, 20)
    assert find_boxes(boxes, b"free") == [(20, 20), (28, 30)]
    assert require_box(boxes, b"ftyp") == (8, 12)
    assert find_box(boxes, b"moov") is None


def test_a_missing_box_is_named():
    """The message names the missing box."""
    with pytest.raises(MalformedInput, match="no moov box"):
        require_box([], b"moov")


def test_a_64_bit_size_is_read():
    """Size 1 means that the size follows the kind."""
    data = u32(1) + b"mdat" + u64(19) + b"abc" + box("free")
    assert BoxReader(data).list_boxes(0, len(data)) == [(b"mdat", 16, 19), (b"free", 27, 27)]


def test_the_last_box_may_leave_its_size_open():
    """Size 0 at the end of the file means the rest of the file."""
    data = box("free") + u32(0) + b"mdatabc"
    assert BoxReader(data).list_boxes(0, len(data)) == [(b"free", 8, 8), (b"mdat", 16, 19)]


def test_an_inner_box_must_have_a_size():
    """Size 0 inside of another box is refused."""
    data = box("moov", u32(0) + b"trak") + box("free")
    with pytest.raises(MalformedInput, match="box at byte 8 has no size"):
        BoxReader(data).list_boxes(8, 16)


def test_zeros_after_the_last_box_are_padding():
    """QuickTime writers end a list of boxes with four zeros."""
    data = box("free") + bytes(4)
    assert BoxReader(data).list_boxes(0, len(data)) == [(b"free", 8, 8)]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"abc", "box at byte 0 is cut after 3 bytes"),
        (u32(9) + b"free", "box at byte 0 claims 9 bytes, 8 are left"),
        (u32(7) + b"free", "box at byte 0 claims 7 bytes"),
        (u32(1) + b"free" + u32(0), "cut before its 64-bit size"),
        (u32(1) + b"free" + u64(15), "box at byte 0 claims 15 bytes"),
        (u32(1) + b"free" + u64(2**64 - 1), "box at byte 0 claims 18446744073709551615 bytes"),
    ],
)
def test_a_wrong_size_is_refused(data, message):
    """The message says where it is, what was claimed and what is left."""
    with pytest.raises(MalformedInput, match=message):
        BoxReader(data).list_boxes(0, len(data))


def test_boxes_are_counted_over_the_whole_file():
    """The limit is for the file, and not for one level of it."""
    data = box("free") * LIMITS.mp4_boxes
    boxes = BoxReader(data)
    assert len(boxes.list_boxes(0, len(data))) == LIMITS.mp4_boxes
    with pytest.raises(OversizedInput, match="more than 4096 boxes"):
        boxes.list_boxes(0, 8)


def test_numbers_must_lie_inside_their_box():
    """A field is read to the last byte of its box, and not beyond."""
    data = box("mdhd", u32(7)) + box("free", u32(8))
    boxes = BoxReader(data)
    assert boxes.read_numbers(Struct(">I"), (8, 12)) == (7,)
    with pytest.raises(MalformedInput, match="too short: 4"):
        boxes.read_numbers(Struct(">I"), (8, 12), 1)


def test_a_table_is_read_flat():
    """The count of the rows stands before the first of them."""
    data = runs((1, 2), (3, 4))
    assert BoxReader(data).read_table("I", (0, len(data)), columns=2) == (1, 2, 3, 4)


@pytest.mark.parametrize("missing_bytes", [1, 9])
def test_a_table_must_lie_inside_its_box(missing_bytes):
    """A table that is cut in a row or before its count is refused."""
    data = runs((1, 2))
    with pytest.raises(MalformedInput, match=r"is cut"):
        BoxReader(data).read_table("I", (0, len(data) - missing_bytes), columns=2)


def test_rows_of_tables_are_limited():
    """One row over the limit is refused before anything is read."""
    rows = LIMITS.mp4_samples
    data = runs(*[(0,)] * rows)
    assert len(BoxReader(data).read_table("I", (0, len(data)))) == rows
    more = runs(*[(0,)] * (rows + 1))
    with pytest.raises(OversizedInput, match="table of 20001 rows"):
        BoxReader(more).read_table("I", (0, len(more)))
