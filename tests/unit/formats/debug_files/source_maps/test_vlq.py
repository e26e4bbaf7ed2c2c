"""Numbers of source maps."""

import pytest
from hypothesis import given, strategies as st

from app.core.errors import MalformedInput
from app.formats.debug_files.source_maps.vlq import SegmentCache, decode_numbers, encode_numbers


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        (b"A", [0]),
        (b"C", [1]),
        (b"D", [-1]),
        (b"gB", [16]),
        (b"2H", [123]),
        (b"AAgBC", [0, 0, 16, 1]),
    ],
)
def test_numbers_of_the_standard_are_decoded(text, numbers):
    """Five bits a digit, the lowest first, the sign in the lowest bit."""
    assert decode_numbers(text) == numbers


@given(st.lists(st.integers(-(2**31) + 1, 2**31 - 1), max_size=5))
def test_numbers_come_back(numbers):
    """Every number of 32 bits can be written and read."""
    assert decode_numbers(encode_numbers(numbers)) == numbers


@pytest.mark.parametrize("text", [b"g", b"AAg", b"A A", b"\xff", b"ggggggggB", b"="])
def test_what_is_no_number_is_refused(text):
    """A cut number, another letter, and a number of more than 32 bits."""
    with pytest.raises(MalformedInput):
        decode_numbers(text)


@pytest.mark.parametrize("text", [b"AA", b"AAA", b"AAAAAA"])
def test_a_segment_has_one_four_or_five_numbers(text):
    """Two, three and six numbers mean nothing."""
    with pytest.raises(MalformedInput, match="fields"):
        SegmentCache(limit=9)[text]


def test_segments_are_padded_with_zeros():
    """Fields that are absent change nothing."""
    segments = SegmentCache(limit=9)
    assert segments[b"C"] == (1, 1, 0, 0, 0, 0)
    assert segments[b"CCCC"] == (4, 1, 1, 1, 1, 0)
    assert segments[b"CCCCC"] == (5, 1, 1, 1, 1, 1)
    assert segments[b"CCCCC"] is segments[b"CCCCC"]
