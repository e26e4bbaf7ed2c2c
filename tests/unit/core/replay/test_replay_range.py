"""Tests of the range of a replay in queries and forms."""

import pytest
from hypothesis import given, strategies as st

from app.core.errors import InvalidInput
from app.core.replay.replay_range import ReplayRange, read_replay_range, write_clock


@pytest.mark.parametrize(
    ("from_text", "to_text", "expected"),
    [
        ("61000", "71000", ReplayRange(61_000, 71_000)),
        ("0", "1", ReplayRange(0, 1)),
        ("1:01", "1:11.5", ReplayRange(61_000, 71_500)),
        ("0:00", "1:00:00", ReplayRange(0, 3_600_000)),
        ("59:59.999", "1:00:00.25", ReplayRange(3_599_999, 3_600_250)),
        (" 61000 ", "1:11", ReplayRange(61_000, 71_000)),
        ("90:00", "100:00", ReplayRange(5_400_000, 6_000_000)),
    ],
)
def test_range_is_read_in_milliseconds_or_as_a_clock(from_text, to_text, expected):
    """A range is given in milliseconds or as the time on a clock."""
    assert read_replay_range({"from": from_text, "to": to_text}) == expected


@pytest.mark.parametrize("fields", [{}, {"from": "", "to": ""}, {"from": " "}, {"t": "5"}])
def test_no_range_means_the_whole_replay(fields):
    """Without a range the whole replay is meant."""
    assert read_replay_range(fields) is None


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"from": "5"}, "both"),
        ({"to": "5"}, "both"),
        ({"from": "5", "to": "5"}, "end after"),
        ({"from": "6", "to": "5"}, "end after"),
        ({"from": "-5", "to": "5"}, "`from` needs"),
        ({"from": "0", "to": "5.5"}, "`to` needs"),
        ({"from": "0", "to": "1e3"}, "`to` needs"),
        ({"from": "0", "to": "٣"}, "`to` needs"),
        ({"from": "0", "to": "1:60"}, "`to` needs"),
        ({"from": "0", "to": "nan"}, "`to` needs"),
        ({"from": "0", "to": "9" * 400}, "`to` needs"),
        ({"from": "1:2\n", "to": "1:2:3:4"}, "`from` needs"),
    ],
)
def test_what_is_no_range_is_refused_with_the_reason(fields, problem):
    """A range that cannot be meant is refused, with the field and what it needs."""
    with pytest.raises(InvalidInput, match=problem):
        read_replay_range(fields)


@given(at_ms=st.integers(0, 10**9))
def test_written_clock_is_read_as_the_same_moment(at_ms):
    """A moment that was written as a clock is read as the same millisecond."""
    fields = {"from": write_clock(at_ms), "to": write_clock(at_ms + 1)}
    assert read_replay_range(fields) == ReplayRange(at_ms, at_ms + 1)
    assert read_replay_range(ReplayRange(at_ms, at_ms + 1).query()) == ReplayRange(at_ms, at_ms + 1)


def test_range_is_cut_to_the_replay():
    """A range that goes on after the end of a replay is cut; one that begins there is refused."""
    assert ReplayRange(5, 50).cut_to(20) == ReplayRange(5, 20)
    assert ReplayRange(5, 50).length_ms == 45
    with pytest.raises(InvalidInput, match=r"begins at 0:02, and the replay ends at 0:01\.5"):
        ReplayRange(2_000, 3_000).cut_to(1_500)
