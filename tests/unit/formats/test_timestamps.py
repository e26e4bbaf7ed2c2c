"""Tests of the reading of times in the forms that SDKs send."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, strategies as st

from app.formats import timestamps
from tests.support import examples

FIRST_MS = 946_684_800_000
END_MS = 4_102_444_800_000


@pytest.mark.parametrize(
    ("value", "ms"),
    [
        ("2026-08-06T07:06:40.123Z", 1_786_000_000_123),
        ("2026-08-06T07:06:40Z", 1_786_000_000_000),
        ("2026-08-06T09:06:40.123456+02:00", 1_786_000_000_123),
        ("2026-08-06T07:06:40.123999999Z", 1_786_000_000_124),
        (" 2026-08-06T07:06:40 ", 1_786_000_000_000),
        ("2026-08-06", 1_785_974_400_000),
        (1_786_000_000, 1_786_000_000_000),
        (1_795_468_805.847, 1_795_468_805_847),
        ("1786000000.5", 1_786_000_000_500),
        ("2026-08-06t07:06:40.5z", 1_786_000_000_500),
        (1_786_000_000_500, 1_786_000_000_500),
        ("1786000000500.0", 1_786_000_000_500),
        (FIRST_MS, FIRST_MS),
        (END_MS - 1, END_MS - 1),
    ],
)
def test_every_shape_of_a_time_is_read(value, ms):
    """ISO text may have a zone and a fraction; numbers are seconds, or milliseconds by mistake."""
    assert timestamps.read_ms(value) == ms


@pytest.mark.parametrize(
    "value",
    [
        *(None, True, [], {}, b"2026", "", "soon", "nan", "1e400", "Infinity", "9" * 65),
        *(float("nan"), float("inf"), 10**400, 0, -1, 253_402_300_799, FIRST_MS - 1, END_MS),
        "0001-01-01T00:00:00+14:00",
    ],
)
def test_other_values_are_no_time(value):
    """Other types, NaN and absurd years are refused."""
    assert timestamps.read_ms(value) is None
    assert timestamps.read_at(value) is None


def test_the_first_and_last_moments_are_inside():
    """The first second of 1970 is an empty field; 2100-01-01 is not read."""
    assert timestamps.read_ms(1) == 1_000
    assert timestamps.read_ms("1970-01-01T00:00:00.999999Z") is None
    assert timestamps.read_ms("1999-12-31T23:59:59.999Z") == FIRST_MS - 1
    assert timestamps.read_at("2099-12-31T23:59:59.999999Z") is not None
    assert timestamps.read_ms(END_MS / 1000) is None


def test_read_at_keeps_microseconds_and_utc():
    """A time with a zone comes back in UTC, to the microsecond."""
    at = timestamps.read_at("2026-08-06T09:06:40.123456+02:00")
    assert at == datetime(2026, 8, 6, 7, 6, 40, 123456, UTC)
    assert at is not None
    assert at.utcoffset() == timedelta(0)


@pytest.mark.parametrize(
    ("value", "ms"),
    [
        (1_786_000_000_123, 1_786_000_000_123),
        (1_786_000_000_122.6, 1_786_000_000_123),
        (FIRST_MS, FIRST_MS),
        (END_MS - 1, END_MS - 1),
        (FIRST_MS - 1, FIRST_MS - 1),
        (1_000, 1_000),
        (999, None),
        (END_MS, None),
        (1_786_000_000, None),
        (float("nan"), None),
        (10**400, None),
        ("1786000000123", None),
        (True, None),
        (None, None),
    ],
)
def test_rrweb_times_are_milliseconds_already(value, ms):
    """Milliseconds between 1970 and 2100 are read, except numbers that are seconds of today."""
    assert timestamps.read_epoch_ms(value) == ms


@examples.SETTINGS
@given(st.text() | st.datetimes().map(str) | st.floats() | st.integers() | examples.JSON_VALUES)
def test_any_value_gives_a_time_in_range_or_none(value):
    """No error is raised, and both readers agree."""
    ms = timestamps.read_ms(value)
    at = timestamps.read_at(value)
    assert (ms is None) == (at is None)
    if ms is not None and at is not None:
        assert 1_000 <= ms <= END_MS
        assert abs(at.timestamp() * 1000 - ms) <= 1
    timestamps.read_epoch_ms(value)
