"""Tests of widening a range to whole groups of pictures."""

import pytest
from hypothesis import given, strategies as st

from app.core.replay.replay_range import ReplayRange
from app.playback.video.index import PlaybackIndex, build_index
from app.playback.video.widened_range import widen_range
from tests.unit.playback.building import gops, segment


def _index() -> PlaybackIndex:
    """Three groups of 3 s, a gap from 9 s to 20 s, and two more groups."""
    return build_index([segment(0, 0, gops(3, 3, 3)), segment(1, 20_000, gops(3, 3))])


@pytest.mark.parametrize(
    ("from_ms", "to_ms", "widened"),
    [
        (0, 3_000, (0, 3_000)),
        (1, 2, (0, 3_000)),
        (2_999, 3_001, (0, 6_000)),
        (3_000, 6_000, (3_000, 6_000)),
        (8_000, 21_000, (6_000, 23_000)),
        (10_000, 20_001, (20_000, 23_000)),
        (25_000, 90_000, (23_000, 26_000)),
    ],
)
def test_range_is_widened_to_the_groups_that_it_shows(from_ms, to_ms, widened):
    """A range gets every group of which it shows a frame, and no other."""
    found = widen_range(_index(), ReplayRange(from_ms, to_ms))
    assert found
    assert (found.from_ms, found.to_ms) == widened


@pytest.mark.parametrize(
    ("from_ms", "to_ms"), [(9_000, 20_000), (12_000, 13_000), (26_000, 30_000)]
)
def test_range_without_video_has_no_groups(from_ms, to_ms):
    """A range in a gap or after the end has no video."""
    assert widen_range(_index(), ReplayRange(from_ms, to_ms)) is None


def test_whole_replay_is_all_groups():
    """Without a range all groups are meant; without groups there are none."""
    index = _index()
    whole = widen_range(index, None)
    assert whole
    assert (whole.first_gop, whole.end_gop, whole.video_bytes) == (0, 5, index.size_bytes)
    assert widen_range(build_index([]), None) is None


@given(st.integers(0, 30_000), st.integers(1, 30_000))
def test_widened_range_holds_what_it_shows(from_ms, length_ms):
    """A group is in the widened range just if a moment of the range lies in its cover."""
    index = _index()
    asked = ReplayRange(from_ms, from_ms + length_ms)
    expected = [
        number
        for number, gop in enumerate(index.gops)
        if gop.start_ms < asked.to_ms and gop.end_ms > asked.from_ms
    ]
    widened = widen_range(index, asked)
    assert (list(range(widened.first_gop, widened.end_gop)) if widened else []) == expected
