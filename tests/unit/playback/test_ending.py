"""Tests of how a replay ended."""

from datetime import timedelta

import pytest

from app.formats.activity import Breadcrumb
from app.playback import ending
from app.playback.ending import Mishap
from tests.unit.playback.stored import START, replay

ZERO_MS = 1_795_000_000_000


def ended(*mishaps: Mishap, crumbs: tuple[Breadcrumb, ...] = (), duration_ms: int = 60_000) -> str:
    """Infer the end of a replay of one minute."""
    return ending.infer(
        duration_ms=duration_ms, mishaps=mishaps, breadcrumbs=crumbs, zero_ms=ZERO_MS
    ).text


def crumb(at_ms: int, category: str) -> Breadcrumb:
    """Make a breadcrumb on the replay clock."""
    return Breadcrumb(ZERO_MS + at_ms, category, None, None, {})


@pytest.mark.parametrize("kind", ["crash", "native_crash", "watchdog"])
def test_a_crash_at_the_end_ends_a_replay(kind: str):
    """It may come seconds before the end of the last segment, or after it."""
    assert ended(Mishap(kind, 46_000)) == "crashed"
    assert ended(Mishap(kind, 90_000)) == "crashed"


def test_a_crash_long_before_the_end_did_not_end_it():
    """A crash that the replay outlived belongs to another run."""
    assert ended(Mishap("crash", 20_000)) == "closed"


def test_a_hang_at_the_end_ends_a_replay():
    """ANRs and app hangs alike."""
    assert ended(Mishap("anr", 58_000)) == "not responding"
    assert ended(Mishap("app_hang", 58_000)) == "not responding"


def test_an_error_does_not_end_a_replay():
    """Handled errors are everyday."""
    assert ended(Mishap("error", 59_000)) == "closed"


def test_an_app_that_left_last_is_in_the_background():
    """Only if it did not come back, and the end followed at once."""
    left = crumb(58_000, "app.background")
    assert ended(crumbs=(crumb(0, "app.foreground"), left)) == "in background"
    assert ended(crumbs=(left, crumb(59_000, "app.foreground"))) == "closed"
    assert ended(crumbs=(crumb(20_000, "app.background"),)) == "closed"


def test_an_hour_is_the_limit_of_the_sdks():
    """Which a list can tell by the length alone."""
    assert ended(duration_ms=3_595_000) == "60-minute limit"
    long = replay(ended_at=START + timedelta(minutes=60))
    assert ending.at_a_glance(long, has_crashed=False) == "60-minute limit"


def test_a_list_says_what_the_page_says():
    """Without recordings the row itself knows when the app left and came back."""
    end = START + timedelta(minutes=1)
    left = replay(background_at=end - timedelta(seconds=1), foreground_at=START)
    assert ending.at_a_glance(left, has_crashed=True) == "crashed"
    assert ending.at_a_glance(left, has_crashed=False) == "in background"
    returned = replay(background_at=end - timedelta(seconds=3), foreground_at=end)
    assert ending.at_a_glance(returned, has_crashed=False) == "closed"
    long_ago = replay(background_at=START)
    assert ending.at_a_glance(long_ago, has_crashed=False) == "closed"
    assert ending.at_a_glance(replay(), has_crashed=False) == "closed"
