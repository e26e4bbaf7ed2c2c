"""Where the clock of a phone was set: what tells it, and what only looks alike."""

from itertools import pairwise

import pytest
from hypothesis import given, strategies as st

from app.replays.segments.clock_steps import (
    MOST_STEPS,
    SegmentTimes,
    axis_of,
    find_clock_steps,
    may_be_step,
    shift_ms_of,
)

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS


def segment(number: int, start_ms: int, drift_ms: int = 40, *, ms: int = 5_000) -> SegmentTimes:
    """Make a segment of five seconds."""
    return SegmentTimes(number, start_ms, start_ms + ms, drift_ms)


def places(*segments: SegmentTimes) -> list[int]:
    """Return where segments begin on the clock of their replay."""
    steps = find_clock_steps(segments)
    return [segment.started_ms + shift_ms_of(steps, segment.segment_id) for segment in segments]


def test_an_ordinary_recording_has_no_steps():
    """Overlaps, twins, pauses and slow envelopes are none."""
    ordinary = [
        segment(0, 0),
        segment(1, 5_000, 30_000),
        segment(2, 9_000),
        segment(3, 9_000),
        segment(4, 14 * MINUTE_MS, 0),
        segment(5, 15 * MINUTE_MS, 90_000),
    ]
    assert find_clock_steps(ordinary) == ()


@pytest.mark.parametrize("set_ms", [-HOUR_MS, -8_000, 2 * MINUTE_MS, HOUR_MS])
def test_a_set_clock_is_told_by_the_drift(set_ms: int):
    """Later segments follow the earlier ones at once, whatever their envelopes took."""
    offsets_ms = places(
        segment(0, 0, 300),
        segment(1, 5_000, 40),
        segment(2, 10_000 + set_ms, 900 - set_ms),
        segment(3, 15_000 + set_ms, 40 - set_ms),
    )
    assert offsets_ms == [0, 5_000, 10_000, 15_000]


def test_a_clock_that_is_set_twice_comes_back():
    """Back and forward again; the first clock is that of the replay."""
    offsets_ms = places(
        segment(0, 0),
        segment(1, 5_000 - HOUR_MS, HOUR_MS),
        segment(2, 10_000 - HOUR_MS, HOUR_MS),
        segment(3, 15_000, 50),
    )
    assert offsets_ms == [0, 5_000, 10_000, 15_000]


def test_a_pause_stays_when_the_clock_is_set_in_it():
    """The server's clock says how long it was."""
    before, after = segment(0, 0, 40), segment(1, 5_000 + 3 * MINUTE_MS - HOUR_MS, HOUR_MS + 40)
    assert places(before, after) == [0, 5_000 + 3 * MINUTE_MS]


@pytest.mark.parametrize("drift_ms", [0, 40])
def test_going_back_far_needs_no_drift(drift_ms: int):
    """A queue that was sent after the clock was set: ids give the order, nothing the distance."""
    before, after = segment(0, 0, drift_ms), segment(1, 5_000 - HOUR_MS, drift_ms)
    assert places(before, after) == [0, 5_000]


def test_going_back_a_little_without_drift_is_believed():
    """Less than a minute, and no envelope that says so: the clock was not set."""
    assert find_clock_steps([segment(0, 5_000), segment(1, 0)]) == ()


def test_a_pause_in_what_is_sent_again_in_one_go_is_none():
    """Each envelope has another drift, but there was no time to record between them."""
    before, after = segment(0, 0, HOUR_MS), segment(1, 5 * MINUTE_MS, HOUR_MS - 5 * MINUTE_MS)
    assert find_clock_steps([before, after]) == ()


def test_a_missing_segment_does_not_hide_a_step():
    """A step leaves room for the missing segments, as far as the server's clock tells."""
    before, after = segment(0, 0), segment(7, 35_000 - HOUR_MS, HOUR_MS)
    assert places(before, after) == [0, 34_960]


_TIMES = st.builds(
    segment,
    st.integers(0, 40),
    st.integers(0, 2**41),
    st.sampled_from([0, 40, -HOUR_MS, HOUR_MS]) | st.integers(-(2**41), 2**41),
    ms=st.integers(0, 600_000),
)


@given(st.lists(_TIMES, min_size=1, unique_by=lambda segment: segment.segment_id), st.randoms())
def test_order_of_delivery_changes_nothing(segments, dice):
    """Whatever the times: steps are the same, and lie where a pair of neighbours allows one."""
    steps = find_clock_steps(segments)
    shuffled = dice.sample(segments, len(segments))
    assert find_clock_steps(shuffled) == steps
    ordered = sorted(segments)
    pairs = pairwise(ordered)
    allowed = {after.segment_id for before, after in pairs if may_be_step(before, after)}
    assert {segment.segment_id for segment in steps[1:]} <= allowed
    started_ms, ended_ms = axis_of(segments, steps)
    assert started_ms <= ended_ms


def test_made_up_clocks_keep_a_replay_short():
    """Envelopes sent in 1970 and in 2099 by turns add neither years nor steps without end."""
    century_ms = 50 * 365 * 24 * HOUR_MS
    hostile = [
        segment(number, century_ms - number, century_ms if number % 2 else -century_ms)
        for number in range(500)
    ]
    steps = find_clock_steps(hostile)
    started_ms, ended_ms = axis_of(hostile, steps)
    assert len(steps) == MOST_STEPS
    assert ended_ms - started_ms < HOUR_MS
