"""Computes the marks of gestures that are visible over a picture of a clip at a time.

    tap     a ring that shrinks              press   a ring that fills while the finger rests
    swipe   a tapered trail with a head, along the way of the last 700 ms

A pure function of time, with the numbers of the player: `static/js/replay/stage/gesture_marks.js`.
"""

import bisect
import itertools
from collections.abc import Iterator, Sequence
from math import ceil, hypot
from typing import Final

from app.media.clip.wire import ClipMark
from app.playback.recording.gestures import Gesture, TouchPoint

_RING_PX: Final = 22
"""The radius of a ring: 44 px is the size of a touch target."""
_LEAST_RING_PX: Final = 9
_TAP_MS: Final = 500
_SHRINK_MS: Final = 400
_TRAIL_MS: Final = 700
_TRAIL_PX: Final = 12
_HEAD_SHARE: Final = 1.6
_STEP_MS: Final = 50
"""The most time that a part of a trail's outline spans, so that a line without moves tapers too."""
_MOST_POINTS: Final = 25
"""The most places along a trail that are taken from what was recorded: one in 28 ms."""
_PRESS_EDGE_PX: Final = 3
_QUICK_TAPS: Final = 2

Point = tuple[float, float]


def find_mark_end(gesture: Gesture) -> int:
    """Return the time from which no mark of a gesture is visible any more."""
    if gesture.kind == "swipe":
        return gesture.end_ms + _TRAIL_MS
    return max(gesture.start_ms + _TAP_MS, gesture.end_ms + _TAP_MS - _SHRINK_MS)


def draw_marks(
    gestures: Sequence[Gesture], at_ms: int, picture_px: tuple[int, int]
) -> tuple[ClipMark, ...]:
    """Return the marks that are over a picture at a time.

    Args:
        gestures: The gestures that may be visible then.
        at_ms: The time on the clock of the replay.
        picture_px: Width and height of the picture: a gesture on the phone as it was held before
            it was turned is left out.
    """
    is_wide = picture_px[0] > picture_px[1]
    return tuple(
        mark
        for gesture in gestures
        if gesture.start_ms <= at_ms < find_mark_end(gesture)
        and (gesture.size[0] > gesture.size[1]) == is_wide
        for mark in _draw_gesture(gesture, at_ms)
    )


def _draw_gesture(gesture: Gesture, at_ms: int) -> Iterator[ClipMark]:
    finger, size = gesture.finger, gesture.size
    now_ms = min(at_ms, gesture.end_ms)
    x, y = _find_place(gesture.points, now_ms)
    if gesture.kind == "swipe":
        from_ms = max(gesture.start_ms, at_ms - _TRAIL_MS)
        corners = _outline_trail(_follow_way(gesture.points, from_ms, now_ms))
        if corners:
            yield ClipMark("trail", finger, size, corners)
        else:
            yield ClipMark("ring", finger, size, ((x, y),), _LEAST_RING_PX)
    elif gesture.kind == "press":
        length_ms = max(1, gesture.end_ms - gesture.start_ms)
        part = min(1.0, (at_ms - gesture.start_ms) / length_ms)
        filled = (_RING_PX - _PRESS_EDGE_PX) * part
        yield ClipMark("press", finger, size, ((x, y),), _RING_PX, filled)
    else:
        part = min(1.0, (at_ms - gesture.start_ms) / _SHRINK_MS)
        radius = _RING_PX - (_RING_PX - _LEAST_RING_PX) * part
        yield ClipMark("ring", finger, size, ((x, y),), radius)
    if gesture.is_dead or gesture.taps >= _QUICK_TAPS:
        words = "no effect" if gesture.is_dead else f"\N{MULTIPLICATION SIGN}{gesture.taps}"
        corner = (x + _RING_PX * 0.7, y - _RING_PX * 1.6)
        yield ClipMark("badge", finger, size, (corner,), text=words)


def _find_place(points: Sequence[TouchPoint], at_ms: int) -> Point:
    """Return the place of a finger at a time; between two points it moves evenly."""
    number = _count_until(points, at_ms)
    before, after = points[max(0, number - 1)], points[min(number, len(points) - 1)]
    length_ms = after.at_ms - before.at_ms
    part = max(0.0, (at_ms - before.at_ms) / length_ms) if length_ms > 0 else 0.0
    return before.x + (after.x - before.x) * part, before.y + (after.y - before.y) * part


def _count_until(points: Sequence[TouchPoint], at_ms: int) -> int:
    """Count the points, which are in the order of time, up to and including a time."""
    return bisect.bisect_right(points, at_ms, key=lambda point: point.at_ms)


def _follow_way(points: Sequence[TouchPoint], from_ms: int, to_ms: int) -> list[Point]:
    if from_ms >= to_ms:
        return []
    steps = max(1, ceil((to_ms - from_ms) / _STEP_MS))
    passed = points[_count_until(points, from_ms) : _count_until(points, to_ms - 1)]
    times = {point.at_ms for point in passed[:: ceil(len(passed) / _MOST_POINTS) or 1]}
    times.update(from_ms + (to_ms - from_ms) * step // steps for step in range(steps + 1))
    return [_find_place(points, at_ms) for at_ms in sorted(times)]


def _outline_trail(way: Sequence[Point]) -> tuple[Point, ...]:
    """Outline a trail: nothing at its tail, all its width at the finger, and a head that points on.

    Returns:
        The corners of a polygon; none if the finger has not moved.
    """
    tip = way[-1] if way else (0.0, 0.0)
    tail = next(
        (
            place
            for place in reversed(way)
            if hypot(tip[0] - place[0], tip[1] - place[1]) > _TRAIL_PX / 2
        ),
        None,
    )
    if tail is None:
        return ()
    left: list[Point] = []
    right: list[Point] = []
    neighbours = zip((way[0], *way[:-1]), way, (*way[1:], way[-1]), strict=True)
    for number, (before, here, after) in enumerate(neighbours):
        across_x, across_y = _make_unit(before, after)
        half = _TRAIL_PX / 2 * number / len(way)
        left.append((here[0] - across_y * half, here[1] + across_x * half))
        right.append((here[0] + across_y * half, here[1] - across_x * half))
    on_x, on_y = _make_unit(tail, tip)
    head = (
        (tip[0] - on_y * _TRAIL_PX, tip[1] + on_x * _TRAIL_PX),
        (tip[0] + on_x * _TRAIL_PX * _HEAD_SHARE, tip[1] + on_y * _TRAIL_PX * _HEAD_SHARE),
        (tip[0] + on_y * _TRAIL_PX, tip[1] - on_x * _TRAIL_PX),
    )
    return tuple(itertools.chain(left, head, reversed(right)))


def _make_unit(start: Point, end: Point) -> Point:
    """Return the direction from one place to another, of length 1."""
    x, y = end[0] - start[0], end[1] - start[1]
    length = hypot(x, y) or 1.0
    return x / length, y / length
