"""The reach of a replay: what lies in its time, on either clock."""

from datetime import UTC, datetime, timedelta

import pytest

from app.core import replay_window
from app.core.ids import ReplayId
from app.core.replay_window import LONGEST_LINKED, SLACK, ReplayWindow

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
END = NOON + timedelta(seconds=10)
SECOND = timedelta(seconds=1)
HOUR_MS = 3_600_000
HOUR = timedelta(hours=1)


def reach(drift_ms: int = 0) -> ReplayWindow:
    """Return the reach of a replay of ten seconds."""
    return ReplayWindow(ReplayId("c" * 32), frozenset(), NOON, END, drift_ms)


@pytest.mark.parametrize(
    ("started_at", "ended_at", "is_touched"),
    [
        (END + SLACK, None, True),
        (END + SLACK + SECOND, None, False),
        (NOON - SLACK, None, True),
        (NOON - SLACK - SECOND, None, False),
        (NOON - SLACK - SECOND, NOON - SLACK, True),
        (NOON - SLACK - LONGEST_LINKED, NOON, True),
        (NOON - SLACK - LONGEST_LINKED - SECOND, NOON, False),
        (NOON - HOUR, None, False),
    ],
)
def test_what_touches_the_time_with_its_slack_is_in_it(started_at, ended_at, is_touched):
    """To the second; what began too long before is not."""
    assert reach().is_touched(started_at, ended_at, 0) is is_touched


def test_either_clock_will_do():
    """A phone that is an hour slow, a backend that is right, and the other way round."""
    assert reach(HOUR_MS).is_touched(NOON + HOUR, None, 0)
    assert reach(HOUR_MS).is_touched(NOON, None, HOUR_MS)
    assert reach(HOUR_MS).is_touched(NOON, None, 0)
    assert reach().is_touched(NOON - HOUR, None, HOUR_MS)
    assert reach(-HOUR_MS).is_touched(NOON - HOUR, None, 0)
    assert not reach(HOUR_MS).is_touched(NOON + 2 * HOUR, None, 0)
    assert not reach().is_touched(NOON - HOUR, None, 2 * HOUR_MS)


@pytest.mark.parametrize(
    ("one_ms", "other_ms", "are_held_up"),
    [
        (24 * HOUR_MS, 23 * HOUR_MS, True),
        (-24 * HOUR_MS, -23 * HOUR_MS, True),
        (120_001, 60_002, True),
        (120_000, 120_000, False),
        (HOUR_MS, HOUR_MS // 2, False),
        (HOUR_MS, 0, False),
        (HOUR_MS, -HOUR_MS, False),
    ],
)
def test_drifts_that_are_large_and_alike_are_those_of_a_queue(one_ms, other_ms, are_held_up):
    """Then the server's clock says nothing, in whatever order they are asked about."""
    assert replay_window.are_both_delayed(one_ms, other_ms) is are_held_up
    assert replay_window.are_both_delayed(other_ms, one_ms) is are_held_up
    at = NOON + timedelta(milliseconds=one_ms - other_ms)
    is_near = NOON - SLACK <= at <= END + SLACK
    assert reach(one_ms).is_touched(at, None, other_ms) is (is_near or not are_held_up)
