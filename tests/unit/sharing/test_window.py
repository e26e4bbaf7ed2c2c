"""Tests of cutting what is read down to the part that a share shows."""

from app.core.replay.replay_range import ReplayRange
from app.playback.recording.conditions import DeviceCondition
from app.playback.recording.gestures import Gesture, TouchPoint
from app.playback.video.widened_range import WidenedRange
from app.sharing import window as cutting
from app.sharing.window import ShareWindow

WINDOW = ShareWindow(
    ReplayRange(6_000, 9_000), ReplayRange(5_000, 10_000), WidenedRange(1, 2, 5_000, 10_000, 99)
)


def gesture(*times_ms: int) -> Gesture:
    """Make a swipe with a point at each time."""
    points = tuple(TouchPoint(at_ms, float(at_ms), 1.0) for at_ms in times_ms)
    return Gesture("swipe", 0, (128, 256), points)


def test_a_moment_belongs_to_the_part_from_its_start_up_to_its_end():
    """The first millisecond is part of it, and the last one is not."""
    assert [WINDOW.has(at_ms) for at_ms in (5_999, 6_000, 8_999, 9_000)] == [
        False,
        True,
        True,
        False,
    ]


def test_gestures_are_cut_at_the_end_and_counted_from_the_first_picture():
    """A swipe that goes on after the part ends with it; one that began before is left out."""
    gestures = cutting.cut_gestures(
        (gesture(5_900, 6_100), gesture(6_100, 6_200), gesture(8_900, 8_950, 9_100)), WINDOW
    )
    assert [[point.at_ms for point in each.points] for each in gestures] == [
        [1_100, 1_200],
        [3_900, 3_950],
    ]
    # A gesture has at least its first and its last point.
    [tap] = cutting.cut_gestures((gesture(8_990, 9_050),), WINDOW)
    assert [point.at_ms for point in tap.points] == [3_990, 3_990]


def test_intervals_are_clipped_to_the_part():
    """Longer intervals begin and end with the part; those outside are dropped."""

    def clip(start_ms: int, end_ms: int) -> tuple[tuple[int, int], ...]:
        return cutting._clip(
            DeviceCondition(start_ms, end_ms, "offline", "offline"), WINDOW, WINDOW.asked
        )

    assert clip(0, 60_000) == ((1_000, 4_000),)
    assert clip(7_000, 8_000) == ((2_000, 3_000),)
    assert clip(0, 6_000) == ()
    assert clip(9_000, 60_000) == ()
