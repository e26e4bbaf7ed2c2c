"""An item belongs to the time of a replay on the clock of its sender or of the server."""

from datetime import UTC, datetime, timedelta

import pytest

from app.core.ids import ReplayId
from app.core.replay import replay_window
from app.core.replay.replay_window import LONGEST_LINKED, SLACK, ReplayWindow

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
END = NOON + timedelta(seconds=10)
SECOND = timedelta(seconds=1)
HOUR_MS = 3_600_000
HOUR = timedelta(hours=1)


def window(drift_ms: int = 0) -> ReplayWindow:
    """Return the window of a replay of ten seconds."""
    return ReplayWindow(ReplayId("c" * 32), frozenset(), NOON, END, drift_ms)


@pytest.mark.parametrize(
    ("started_at", "ended_at", "is_inside"),
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
def test_an_item_that_overlaps_the_time_with_its_slack_is_inside(started_at, ended_at, is_inside):
    """The limits are exact to the second; an item that began too long before is outside."""
    assert window().overlaps(started_at, ended_at, 0) is is_inside


def test_either_clock_may_agree():
    """The phone or the backend may be an hour slow."""
    assert window(HOUR_MS).overlaps(NOON + HOUR, None, 0)
    assert window(HOUR_MS).overlaps(NOON, None, HOUR_MS)
    assert window(HOUR_MS).overlaps(NOON, None, 0)
    assert window().overlaps(NOON - HOUR, None, HOUR_MS)
    assert window(-HOUR_MS).overlaps(NOON - HOUR, None, 0)
    assert not window(HOUR_MS).overlaps(NOON + 2 * HOUR, None, 0)
    assert not window().overlaps(NOON - HOUR, None, 2 * HOUR_MS)


@pytest.mark.parametrize(
    ("one_ms", "other_ms", "are_delayed"),
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
def test_drifts_that_are_large_and_alike_come_from_a_queue(one_ms, other_ms, are_delayed):
    """Then the server's clock is not used; the order of the two does not matter."""
    assert replay_window.are_both_delayed(one_ms, other_ms) is are_delayed
    assert replay_window.are_both_delayed(other_ms, one_ms) is are_delayed
    at = NOON + timedelta(milliseconds=one_ms - other_ms)
    is_near = NOON - SLACK <= at <= END + SLACK
    assert window(one_ms).overlaps(at, None, other_ms) is (is_near or not are_delayed)
