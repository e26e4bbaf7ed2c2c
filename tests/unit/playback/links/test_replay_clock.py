"""Tests of which side an item was made on, where it lies on a replay's clock, and the counts."""

from datetime import UTC, datetime, timedelta

import pytest

from app.core.ids import ProjectId, ReplayId
from app.core.replay.replay_window import ReplayWindow
from app.formats.events import event
from app.issues.events.replay_events import LinkedCount, LinkedCounts
from app.playback.links import linked_errors, replay_clock

APP, API = ProjectId(1), ProjectId(2)
START = datetime(2026, 11, 24, 14, 0, tzinfo=UTC)
HOUR_MS = 3_600_000


def window(*, drift_ms: int = 0) -> ReplayWindow:
    """Make the window of a replay of one minute."""
    end = START + timedelta(minutes=1)
    return ReplayWindow(ReplayId("a" * 32), frozenset(), START, end, drift_ms)


@pytest.mark.parametrize(
    ("project_id", "platform", "expected"),
    [
        (APP, "java", "app"),
        (APP, None, "app"),
        (APP, "javascript", "app"),
        (APP, "csharp", "app"),
        (APP, "python", "backend"),
        (API, "java", "backend"),
        (API, None, "backend"),
    ],
)
def test_a_side_is_told_by_project_and_platform(
    project_id: ProjectId, platform: str | None, expected: str
):
    """Another project is a backend, and so is a platform that only services have."""
    assert replay_clock.find_side(APP, project_id, platform) == expected


def test_a_moment_in_the_window_keeps_its_own_clock():
    """If no clock drifts, the offset is the plain difference, for both sides."""
    at = START + timedelta(seconds=7)
    assert replay_clock.find_offset_ms(window(), at, 0) == 7_000
    assert replay_clock.find_offset_ms(window(), at, 0, made_by="backend") == 7_000


def test_an_app_is_believed_before_the_drift():
    """The app shares the phone's clock, however wrong that is."""
    at = START + timedelta(seconds=7)
    assert replay_clock.find_offset_ms(window(drift_ms=HOUR_MS), at, 0) == 7_000


def test_a_backend_is_placed_by_the_servers_clock():
    """The phone is an hour behind, the backend is not: its error lies where the server saw it."""
    at = START + timedelta(hours=1, seconds=7)
    assert replay_clock.find_offset_ms(window(drift_ms=HOUR_MS), at, 0, made_by="backend") == 7_000


@pytest.mark.parametrize(
    ("of_phone_ms", "of_backend_ms"),
    [
        (180_000, 40),
        (-180_000, 40),
        (0, -180_000),
        (120_000, -60_000),
        (3 * HOUR_MS, HOUR_MS),
    ],
)
def test_clocks_minutes_apart_are_put_right(of_phone_ms: int, of_backend_ms: int):
    """Whichever of the two is wrong, and by whatever sign."""
    on_the_server = START + timedelta(milliseconds=of_phone_ms + 7_000)
    at = on_the_server - timedelta(milliseconds=of_backend_ms)
    placed = replay_clock.find_offset_ms(
        window(drift_ms=of_phone_ms), at, of_backend_ms, made_by="backend"
    )
    assert placed == 7_000


@pytest.mark.parametrize(
    ("of_phone_ms", "of_backend_ms"),
    [(40_000, 40), (40, 59_000), (24 * HOUR_MS, 24 * HOUR_MS - 150_000), (600_000, 480_000)],
)
def test_delivery_that_took_long_is_no_wrong_clock(of_phone_ms: int, of_backend_ms: int):
    """A slow network, or a queue that held both up, moves nothing."""
    at = START + timedelta(seconds=7)
    placed = replay_clock.find_offset_ms(
        window(drift_ms=of_phone_ms), at, of_backend_ms, made_by="backend"
    )
    assert placed == 7_000


def test_a_time_outside_the_window_is_corrected():
    """An app event with a wrong clock of its own is moved by the drift of its envelope."""
    at = START - timedelta(hours=2) + timedelta(seconds=7)
    assert replay_clock.find_offset_ms(window(), at, 2 * HOUR_MS) == 7_000


def test_a_moment_at_another_time_is_not_corrected():
    """A moment an hour away lies on neither clock, so the time of the app is shown."""
    at = START + timedelta(hours=1)
    assert replay_clock.find_offset_ms(window(), at, 45_000) == HOUR_MS


@pytest.mark.parametrize("made_by", ["app", "backend"])
def test_what_was_held_up_with_a_replay_keeps_its_own_time(made_by: replay_clock.Side):
    """A held-up hour arrives within a moment, so the server's clock cannot place its events."""
    held_ms = 24 * HOUR_MS
    at = START + timedelta(hours=1)
    reach = window(drift_ms=held_ms)
    placed = replay_clock.find_offset(reach, at, held_ms - HOUR_MS, made_by=made_by)
    assert replay_clock.near_replay_ms(reach, placed) is None


def test_a_backends_own_time_stands_in_where_the_correction_misses():
    """A drift that leads out of the window is not followed."""
    at = START + timedelta(seconds=7)
    assert replay_clock.find_offset_ms(window(), at, HOUR_MS, made_by="backend") == 7_000


def test_counts_are_added_up_by_side():
    """All kinds count; only a crash of the app itself is one of the replay."""
    by_kind = (
        LinkedCount(APP, "java", "error", 2, START),
        LinkedCount(APP, "java", "message", 1, START),
        LinkedCount(API, "python", "crash", 4, START),
    )
    counts = LinkedCounts(by_kind, is_at_least=True)
    expected = linked_errors.ErrorCounts(3, 4, is_at_least=True)
    assert linked_errors.add_up_errors(APP, counts) == expected


@pytest.mark.parametrize("kind", sorted(event.CRASHES))
def test_a_crash_of_the_app_is_told(kind: str):
    """Every kind that ends the app counts as a crash."""
    counts = LinkedCounts((LinkedCount(APP, "cocoa", kind, 1, START),), is_at_least=False)
    assert linked_errors.add_up_errors(APP, counts).crashed_at == START
