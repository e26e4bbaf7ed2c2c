"""Units are converted and formatted."""

from datetime import UTC, datetime

import pytest

from app.core import units


def test_milliseconds_become_datetimes_and_back():
    """Both are the same moment."""
    at = datetime(2026, 8, 6, 7, 6, 40, 250_000, tzinfo=UTC)
    assert units.ms_from_at(at) == 1_786_000_000_250
    assert units.at_from_ms(1_786_000_000_250) == at


@pytest.mark.parametrize(
    ("size_bytes", "words"),
    [
        (0, "0 bytes"),
        (1023, "1023 bytes"),
        (1024, "1.0 KiB"),
        (34 * 1024, "34 KiB"),
        (5_872_026, "5.6 MiB"),
        (3 * 1024**3, "3.0 GiB"),
        (2 * 1024**4, "2.0 TiB"),
    ],
)
def test_sizes_are_formatted(size_bytes, words):
    """Sizes have one decimal below ten and none above."""
    assert units.format_bytes(size_bytes) == words


@pytest.mark.parametrize(
    ("ms", "words"),
    [(-5, "0:00"), (7_999, "0:07"), (754_000, "12:34"), (3_723_000, "1:02:03")],
)
def test_positions_are_formatted_as_on_a_clock(ms, words):
    """Hours are written only if there are any."""
    assert units.format_clock(ms) == words


@pytest.mark.parametrize(
    ("ms", "words"),
    [
        (340, "340 ms"),
        (5_000, "5 s"),
        (5_240, "5.2 s"),
        (42_000, "42 s"),
        (180_000, "3 min"),
        (185_000, "3 min 5 s"),
        (3_600_000, "1 h"),
        (3_720_000, "1 h 2 min"),
        (86_399_000, "23 h 59 min"),
        (86_400_000, "1 d"),
        (9_779_759_666, "113 d 4 h"),
    ],
)
def test_durations_are_formatted(ms, words):
    """Durations have at most their two largest units."""
    assert units.format_duration(ms) == words
