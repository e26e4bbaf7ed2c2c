"""Turns the touches of a replay into the gestures that a page draws over the picture.

    touches of each segment ─ merge ─ follow each finger ─ tell the kind ─► Gesture

Touches are given in pixels of their segment's video, and a gesture may cross into a segment of
another size: its points are kept in the pixels of the segment in which it began. A finger whose
end never came ends where it was seen last.

Source: docs/protocol.md, section 5.7.
"""

import bisect
import heapq
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from math import hypot
from typing import Final, Literal

import msgspec

from app.formats.replay.activity import Breadcrumb, Touch
from app.playback.recording.merging import merge_touches
from app.playback.recording.recorded_segments import RecordedSegment

GestureKind = Literal["tap", "press", "swipe"]
VideoSize = tuple[int, int]

_SLOP_PX: Final = 12
"""A finger that rolls less than this has not moved: touch slop is 8 to 10 units on phones."""
_PRESS_MS: Final = 500
"""Phones call a touch a long press from here on."""
_QUICK_MS: Final = 1_000
_NEAR_PX: Final = 30
_QUICK_TAPS: Final = 3
"""Taps on one place, each within a second of the one before, that get a badge."""
_DEAD_MS: Final = 250
"""The breadcrumb of a dead tap may lie so far from the tap."""
_MOST: Final = 20_000


@dataclass(frozen=True, slots=True)
class TouchPoint:
    """A place of a finger: milliseconds on the replay clock, pixels of the gesture's size."""

    at_ms: int
    x: float
    y: float


@dataclass(frozen=True, slots=True)
class Gesture:
    """The way of one finger between touching the screen and leaving it.

    `finger` tells fingers apart that are down together, from 0. `size` is that of the video in
    whose pixels the points are. `taps` is how many quick taps on one place this one belongs to.
    """

    kind: GestureKind
    finger: int
    size: VideoSize
    points: tuple[TouchPoint, ...]
    taps: int = 1
    is_dead: bool = False
    """True if the app did not react."""

    @property
    def start_ms(self) -> int:
        """The time at which the finger came down."""
        return self.points[0].at_ms

    @property
    def end_ms(self) -> int:
        """The time at which the finger was seen last."""
        return self.points[-1].at_ms


@dataclass(slots=True)
class _Finger:
    """A finger that is on the screen."""

    number: int
    size: VideoSize
    points: list[TouchPoint] = field(default_factory=list)

    def add(self, touch: Touch, size: VideoSize, zero_ms: int) -> bool:
        """Add a point; False if the phone was turned under the finger."""
        if (size[0] > size[1]) != (self.size[0] > self.size[1]):
            return False
        x = touch.x * self.size[0] / size[0]
        y = touch.y * self.size[1] / size[1]
        self.points.append(TouchPoint(touch.at_ms - zero_ms, round(x, 1), round(y, 1)))
        return True


def read_gestures(recorded: Sequence[RecordedSegment], *, zero_ms: int) -> tuple[Gesture, ...]:
    """Read the gestures of a replay from its recordings.

    Args:
        recorded: The segments of the replay with their recordings, in any order.
        zero_ms: The replay's zero, in milliseconds since 1970.

    Returns:
        The gestures in the order of their starts, 20,000 at most.
    """
    parts: list[list[tuple[Touch, VideoSize]]] = []
    dead: list[Breadcrumb] = []
    for segment in sorted(recorded, key=_sort_key):
        if segment.size_px[0] > 0 and segment.size_px[1] > 0:
            parts.append([(touch, segment.size_px) for touch in segment.activity.touches])
        dead += [
            crumb
            for crumb in segment.activity.breadcrumbs
            if crumb.category == "ui.slowClickDetected"
        ]
    found = _follow_fingers(merge_touches(parts), zero_ms)
    return _mark_taps(found, [crumb.at_ms - zero_ms for crumb in dead])[:_MOST]


def encode_gestures(gestures: Sequence[Gesture]) -> bytes:
    """Write gestures for the page: short names, times and places as flat lists."""
    return msgspec.json.encode(
        [
            {
                "kind": gesture.kind,
                "finger": gesture.finger,
                "size": gesture.size,
                "points": [(point.at_ms, point.x, point.y) for point in gesture.points],
                "taps": gesture.taps,
                "dead": gesture.is_dead,
            }
            for gesture in gestures
        ]
    )


class _EncodedGesture(msgspec.Struct, gc=False):
    """A gesture as `encode` writes it."""

    kind: GestureKind
    finger: int
    size: VideoSize
    points: tuple[tuple[int, float, float], ...]
    taps: int
    dead: bool


_decode_list: Final = msgspec.json.Decoder(list[_EncodedGesture]).decode


def decode_gestures(encoded: bytes) -> tuple[Gesture, ...]:
    """Read gestures that `encode` wrote, with the first and the last point of each."""
    return tuple(
        Gesture(
            kind=gesture.kind,
            finger=gesture.finger,
            size=gesture.size,
            points=(TouchPoint(*gesture.points[0]), TouchPoint(*gesture.points[-1])),
            taps=gesture.taps,
            is_dead=gesture.dead,
        )
        for gesture in _decode_list(encoded)
    )


def find_quick_taps(gestures: Iterable[Gesture]) -> list[tuple[Gesture, ...]]:
    """Gather the quick taps on one place, run by run, in the order of their starts."""
    runs: list[tuple[Gesture, ...]] = []
    taps = [gesture for gesture in gestures if gesture.kind == "tap" and gesture.taps > 1]
    at = 0
    while at < len(taps):
        runs.append(tuple(taps[at : at + taps[at].taps]))
        at += taps[at].taps
    return runs


def _sort_key(segment: RecordedSegment) -> tuple[datetime, int]:
    return segment.segment.started_at, segment.segment.segment_id


class _Fingers:
    """The fingers that are on the screen, by their pointers, and those that have left it."""

    def __init__(self) -> None:
        self.down: dict[int, _Finger] = {}
        self.done: list[_Finger] = []
        # A sender may claim thousands of fingers at once: none is to be looked for among them.
        self._free_numbers: list[int] = []

    def begin(self, pointer: int, size: VideoSize) -> None:
        """Give a finger the least number that no other one has."""
        free = self._free_numbers
        self.down[pointer] = _Finger(heapq.heappop(free) if free else len(self.down), size)

    def end(self, pointers: Iterable[int]) -> None:
        """Let fingers leave the screen; of pointers that are not down nothing is done."""
        for pointer in [each for each in pointers if each in self.down]:
            finger = self.down.pop(pointer)
            self.done.append(finger)
            heapq.heappush(self._free_numbers, finger.number)


def _follow_fingers(touches: Iterable[tuple[Touch, VideoSize]], zero_ms: int) -> list[Gesture]:
    """Follow every finger from its start to its end."""
    fingers = _Fingers()
    down = fingers.down
    for touch, size in touches:
        pointer = touch.pointer_id
        if touch.kind == "start":
            fingers.end([pointer])
        if touch.kind == "start" or (touch.kind == "move" and pointer not in down):
            fingers.begin(pointer, size)
        finger = down.get(pointer)
        if finger is not None and not finger.add(touch, size, zero_ms):
            fingers.end([pointer])
        if touch.kind == "end":
            fingers.end([pointer])
        elif touch.kind == "cancel":
            # Android sends one cancel, for pointer 0, and means all fingers.
            fingers.end(down)
    fingers.end(down)
    gestures = [_make_gesture(finger) for finger in fingers.done if finger.points]
    return sorted(gestures, key=lambda gesture: (gesture.start_ms, gesture.finger))


def _make_gesture(finger: _Finger) -> Gesture:
    """Make a gesture of what a finger did, by its way and its time."""
    first, last = finger.points[0], finger.points[-1]
    way_px = max(hypot(point.x - first.x, point.y - first.y) for point in finger.points)
    kind: GestureKind = "tap"
    if way_px > _SLOP_PX:
        kind = "swipe"
    elif last.at_ms - first.at_ms >= _PRESS_MS:
        kind = "press"
    return Gesture(kind, finger.number, finger.size, tuple(finger.points))


def _mark_taps(gestures: Sequence[Gesture], dead_ms: Sequence[int]) -> tuple[Gesture, ...]:
    """Count quick taps on one place, and mark taps that had no effect according to the SDK."""
    marked: list[Gesture] = []
    run: list[Gesture] = []
    for gesture in gestures:
        if gesture.kind != "tap":
            marked.append(gesture)
        elif run and _is_quick_tap_after(run[-1], gesture):
            run.append(gesture)
        else:
            marked += _count_run(run)
            run = [gesture]
    marked += _count_run(run)
    ordered_ms = sorted(dead_ms)
    return tuple(
        replace(gesture, is_dead=True) if _is_near(ordered_ms, gesture.start_ms) else gesture
        for gesture in sorted(marked, key=lambda gesture: (gesture.start_ms, gesture.finger))
    )


def _is_near(ordered_ms: Sequence[int], at_ms: int) -> bool:
    """Tell whether one of some times, which are in order, is that of a dead tap at `at_ms`."""
    number = bisect.bisect_left(ordered_ms, at_ms - _DEAD_MS)
    return number < len(ordered_ms) and ordered_ms[number] <= at_ms + _DEAD_MS


def _is_quick_tap_after(before: Gesture, tap: Gesture) -> bool:
    one, other = before.points[0], tap.points[0]
    is_soon = other.at_ms - one.at_ms <= _QUICK_MS
    return (
        is_soon and before.size == tap.size and hypot(one.x - other.x, one.y - other.y) <= _NEAR_PX
    )


def _count_run(run: Sequence[Gesture]) -> list[Gesture]:
    taps = len(run) if len(run) >= _QUICK_TAPS else 1
    return [replace(tap, taps=taps) for tap in run]
