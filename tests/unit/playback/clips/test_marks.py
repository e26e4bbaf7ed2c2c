"""Tests of the marks of gestures: what is to be seen of them at a time."""

import pytest

from app.playback.clips.marks import draw_marks, find_mark_end
from app.playback.recording.gestures import Gesture, TouchPoint

SIZE = (448, 960)


def gesture(kind: str, *points: tuple[int, float, float], **changes: object) -> Gesture:
    """Make a gesture."""
    way = tuple(TouchPoint(*point) for point in points)
    return Gesture(kind, 0, SIZE, way, **changes)  # type: ignore[arg-type]


TAP = gesture("tap", (1_000, 100, 200), (1_080, 100, 200))
PRESS = gesture("press", (1_000, 50, 60), (2_000, 50, 60))
SWIPE = gesture("swipe", (1_000, 100, 100), (1_400, 100, 300))


@pytest.mark.parametrize(
    ("at_ms", "radius"),
    [(999, None), (1_000, 22), (1_200, 15.5), (1_400, 9), (1_499, 9), (1_500, None)],
)
def test_the_ring_of_a_tap_shrinks_for_half_a_second(at_ms, radius):
    """The shrinking ring of a tap stays where the finger was."""
    marks = draw_marks([TAP], at_ms, SIZE)
    assert [mark.radius for mark in marks] == ([] if radius is None else [radius])
    assert all(mark.points == ((100, 200),) for mark in marks)


def test_the_ring_of_a_press_fills_while_the_finger_rests():
    """The ring of a press is full when the finger leaves, and stays for a moment."""
    filled = [draw_marks([PRESS], at_ms, SIZE)[0].filled for at_ms in (1_000, 1_500, 2_000, 2_099)]
    assert filled == [0, 9.5, 19, 19]
    assert find_mark_end(PRESS) == 2_100


def test_the_trail_of_a_swipe_ends_at_the_finger():
    """Its head points on, 1.6 widths beyond the finger; its tail follows after 700 ms."""
    [begun] = draw_marks([SWIPE], 1_000, SIZE)
    assert begun.kind == "ring"
    [mark] = draw_marks([SWIPE], 1_200, SIZE)
    assert mark.kind == "trail"
    assert max(y for _, y in mark.points) == pytest.approx(200 + 12 * 1.6)
    [late] = draw_marks([SWIPE], 2_000, SIZE)
    assert min(y for _, y in late.points) == pytest.approx(250)
    assert not draw_marks([SWIPE], 2_100, SIZE)
    # The sides of the trail are as far apart as it is wide, at most.
    assert max(x for x, _ in mark.points) - min(x for x, _ in mark.points) == pytest.approx(24)


def test_a_badge_says_what_a_tap_alone_does_not():
    """A badge gives the number of quick taps, or says that nothing happened."""
    quick = gesture("tap", (1_000, 100, 200), taps=3)
    dead = gesture("tap", (1_000, 100, 200), is_dead=True)
    for each, words in ((quick, "\N{MULTIPLICATION SIGN}3"), (dead, "no effect")):
        ring, badge = draw_marks([each], 1_000, SIZE)
        assert (ring.kind, badge.kind, badge.text) == ("ring", "badge", words)


def test_a_mark_fits_only_a_picture_that_is_held_likewise():
    """Upright and lying pictures have other pixels."""
    assert draw_marks([TAP], 1_000, (100, 200))
    assert not draw_marks([TAP], 1_000, (200, 100))
