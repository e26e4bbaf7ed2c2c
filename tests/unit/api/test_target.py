"""Paths of any length are read in time that grows with their length only."""

import time

import pytest

from app.api import target


def test_the_endpoint_of_monitors_is_recognised():
    """The name of a monitor may contain a newline."""
    for name in (b"nightly", b"nightly/key/", b"night%0Aly"):
        assert target.find_target(b"/api/1/cron/" + name) == target.IngestTarget(None, "", "")
    assert target.find_target(b"/api/1/cron/") is None


@pytest.mark.parametrize("end", [b"", b"a", b"a%0A", b"%0Aa/"])
@pytest.mark.parametrize(
    "unit", [b"/api/1/cron/", b"/api/1/cron/a/", b"/api/1/unreal/", b"/api/", b"/a"]
)
def test_reading_a_long_path_takes_time_by_its_length(unit: bytes, end: bytes):
    """Time grows with length; with a pattern that backtracks it grew with the square of it."""

    def time_s(size_bytes: int) -> float:
        url = unit * (size_bytes // len(unit)) + end
        before_s = time.thread_time()
        target.find_target(url)
        return time.thread_time() - before_s

    time_s(1_000)
    small_s, large_s = (min(time_s(size) for _ in range(15)) for size in (8_000, 64_000))
    assert large_s < 28 * small_s
