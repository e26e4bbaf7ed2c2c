"""Tests of the limits on what strangers ask of shares."""

import pytest

from app.core import clock
from app.core.errors import TooManyAttempts
from app.sharing import limiter
from app.sharing.limiter import ShareLimiter

HOME, OFFICE = "192.0.2.1", "198.51.100.7"


@pytest.fixture
def now_s(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Hold the clock; a test moves it by writing another time."""
    held = [1_000.0]
    monkeypatch.setattr(clock, "monotonic_s", lambda: held[0])
    return held


def test_a_network_opens_so_many_pages_in_a_minute(now_s):
    """The next one is refused for a second; other networks and parts of pages are not."""
    limits = ShareLimiter()
    for _ in range(limiter.MOST_OPENINGS):
        limits.count_request(HOME, is_page=True)
    with pytest.raises(TooManyAttempts) as refusal:
        limits.count_request(HOME, is_page=True)
    assert refusal.value.wait_s == 1
    limits.count_request(OFFICE, is_page=True)
    limits.count_request(HOME, is_page=False)
    now_s[0] += 1
    limits.count_request(HOME, is_page=True)


def test_unknown_addresses_are_limited_apart(now_s):
    """Whoever tries tokens is refused soon, and still opens a link that works."""
    limits = ShareLimiter()
    for _ in range(limiter.MOST_UNKNOWN):
        limits.count_unknown(HOME)
    with pytest.raises(TooManyAttempts):
        limits.count_unknown(HOME)
    limits.count_request(HOME, is_page=True)
    limits.count_unknown(OFFICE)
