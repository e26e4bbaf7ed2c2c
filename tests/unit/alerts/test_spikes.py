"""What counts as a spike: against the last day, and against the same hour of other days."""

from datetime import UTC, datetime, timedelta

import pytest

from app.alerts.watch.spikes import ErrorRate, is_spike, measure_rate

HOUR = timedelta(hours=1)
NOW = datetime(2026, 5, 20, 18, 30, tzinfo=UTC)
THIS_HOUR = NOW.replace(minute=0)
LONG_AGO = NOW - timedelta(days=100)


def steady(per_hour: int, *, days: int = 8) -> dict[datetime, int]:
    """Return the same number of events in every hour before this one."""
    return {THIS_HOUR - number * HOUR: per_hour for number in range(1, 24 * days)}


def test_the_last_hour_is_filled_up_from_the_hour_before():
    """Half an hour into an hour, half of the hour before counts."""
    rate = measure_rate({**steady(10), THIS_HOUR: 7}, NOW, LONG_AGO)
    assert rate == ErrorRate(12, 10.0)


def test_the_evening_rush_is_usual():
    """Events that come at this hour every day are no spike, though the rest of the day is calm."""
    hours = steady(2)
    for number in range(1, 8):
        hours[THIS_HOUR - timedelta(days=number)] = 200
    rate = measure_rate({**hours, THIS_HOUR: 120}, NOW, LONG_AGO)
    assert rate is not None
    assert rate.usual == 200
    assert not is_spike(rate, 3, 20)


def test_a_bad_day_raises_what_is_usual():
    """After a day of many errors the same rate is no news."""
    hours = {THIS_HOUR - number * HOUR: 300 for number in range(2, 26)}
    rate = measure_rate({**hours, THIS_HOUR - HOUR: 300, THIS_HOUR: 160}, NOW, LONG_AGO)
    assert rate is not None
    assert not is_spike(rate, 3, 20)


def test_a_young_project_has_nothing_usual():
    """Before a day has passed nothing is unusual."""
    assert measure_rate({THIS_HOUR: 500}, NOW, NOW - timedelta(hours=20)) is None
    assert measure_rate({THIS_HOUR: 500}, NOW, NOW - timedelta(hours=26)) is not None


def test_a_rise_after_calm_is_a_spike():
    """Thirty errors where one in an hour is usual."""
    rate = measure_rate({**steady(1), THIS_HOUR: 30}, NOW, LONG_AGO)
    assert rate is not None
    assert is_spike(rate, 3, 20)


@pytest.mark.parametrize(
    ("events", "usual", "expected"),
    [(19, 0.0, False), (20, 0.0, True), (31, 10.0, True), (30, 10.0, False), (25, 8.0, True),
     (24, 8.0, False), (3_000, 1_000.0, False), (3_001, 1_000.0, True), (21, 7.0, False)],
)  # fmt: skip
def test_chance_is_no_spike(events: int, usual: float, expected: bool):
    """A spike has some events, is some times what is usual, and more than chance."""
    assert is_spike(ErrorRate(events, usual), 3, 20) is expected


@pytest.mark.parametrize(("events", "expected"), [(31, True), (23, True), (22, False), (14, False)])
def test_a_spike_lasts_until_it_is_well_below_its_limit(events: int, expected: bool):
    """A rate that goes up and down about the limit is one spike."""
    assert is_spike(ErrorRate(events, 10.0), 3, 20, is_held=True) is expected
