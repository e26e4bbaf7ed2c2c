"""Joins what SDKs note of touches, which has names, with the touches, which have places.

    breadcrumbs ui.tap, ui.swipe … ─ target ─┐
    gestures near them in time     ─ place  ─┴─► TouchStep
    gestures that no breadcrumb describes    ──► TouchStep with a place only

A gesture counts as described by the same rule as in the Activity panel of a replay: a note of a
gesture lies within 0.6 s of it.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import replace
from math import atan2, pi
from typing import Final

from app.formats import jsonish
from app.formats.replay.activity import Breadcrumb
from app.playback.recording.gestures import Gesture
from app.reports.steps.model import Direction, Platform, ScreenPlace, TouchKind, TouchStep
from app.reports.steps.targets import read_target

_NEAR_MS: Final = 600
_LONGEST_TOUCH_MS: Final = 10_000
"""A gesture that lasts longer is not looked for from its end."""
_QUICK_MS: Final = 1_000
"""Quick taps follow one another within this time."""
_DEAD_NEAR_MS: Final = 1_000
_MOST_TAPS: Final = 100
_MOST_NEAR: Final = 64
"""Gestures that are compared with one note, or one gesture. People do not touch as often within
some seconds, and a sender who does would make the work grow with its square."""
_MANY_TAPS: Final = "ui.multiClick"
_DEAD_TAP: Final = "ui.slowClickDetected"
_KINDS: Final[dict[str, TouchKind]] = {
    "ui.tap": "tap",
    "ui.click": "tap",
    "touch": "tap",
    _MANY_TAPS: "tap",
    "ui.longPress": "press",
    "ui.longClick": "press",
    "ui.swipe": "swipe",
    "ui.scroll": "scroll",
    "ui.input": "type",
}
_MADE_BY: Final[dict[TouchKind, frozenset[str]]] = {
    "tap": frozenset({"tap", "press"}),
    "click": frozenset(),
    "press": frozenset({"tap", "press"}),
    "swipe": frozenset({"swipe"}),
    "scroll": frozenset({"swipe"}),
    "type": frozenset(),
}
"""The kinds of gesture that may be what an SDK notes by a name."""
_WAYS: Final[tuple[Direction, ...]] = ("right", "down", "left", "up")
_DIRECTIONS: Final[dict[str, Direction]] = {way: way for way in _WAYS}


def derive_touches(
    crumbs: Sequence[Breadcrumb], gestures: Sequence[Gesture], *, zero_ms: int, platform: Platform
) -> list[TouchStep]:
    """Derive what the person did with their fingers, in the order of time.

    Args:
        crumbs: The breadcrumbs of the recording, in time order.
        gestures: The gestures of the recording, in the order of their starts.
        zero_ms: The zero of the player's clock, in milliseconds since 1970.
        platform: The platform of the app.
    """
    notes = [crumb for crumb in crumbs if crumb.category in _KINDS]
    unused = list(gestures)
    steps: list[TouchStep] = []
    for crumb in notes:
        step = _read_note(crumb, zero_ms=zero_ms, platform=platform)
        gesture = _take_nearest(unused, step)
        if gesture is not None:
            step = _add_gesture(step, gesture, gestures)
        if crumb.category == _MANY_TAPS:
            step = _absorb_single_taps(steps, step)
        steps.append(step)
    noted_ms = [crumb.at_ms - zero_ms for crumb in notes if _KINDS[crumb.category] != "type"]
    steps += [
        _describe_gesture(gesture, gestures)
        for gesture in unused
        if gesture.finger == 0 and not _is_noted(gesture, noted_ms)
    ]
    steps.sort(key=lambda step: step.at_ms)
    for crumb in crumbs:
        if crumb.category == _DEAD_TAP:
            _mark_dead_tap(steps, crumb, zero_ms=zero_ms, platform=platform)
    return steps


def _read_note(crumb: Breadcrumb, *, zero_ms: int, platform: Platform) -> TouchStep:
    way = (jsonish.text(crumb.data, "direction", limit=20) or "").lower()
    taps = 1
    if crumb.category == _MANY_TAPS:
        taps = min(jsonish.integer(crumb.data, "clickCount", lowest=1) or 3, _MOST_TAPS)
    kind = _KINDS[crumb.category]
    return TouchStep(
        at_ms=max(0, crumb.at_ms - zero_ms),
        kind="click" if kind == "tap" and platform == "browser" else kind,
        target=read_target(crumb, platform),
        place=None,
        direction=_DIRECTIONS.get(way),
        times=taps,
    )


def _take_nearest(unused: list[Gesture], step: TouchStep) -> Gesture | None:
    """Take the gesture that a note describes out of the list: the nearest one of a fitting kind."""
    kinds = _MADE_BY[step.kind]
    first = bisect_left(
        unused, step.at_ms - _NEAR_MS - _LONGEST_TOUCH_MS, key=lambda gesture: gesture.start_ms
    )
    last = bisect_right(unused, step.at_ms + _NEAR_MS, key=lambda gesture: gesture.start_ms)
    first = max(first, last - _MOST_NEAR)
    near = [
        (min(abs(gesture.start_ms - step.at_ms), abs(gesture.end_ms - step.at_ms)), at)
        for at, gesture in enumerate(unused[first:last], first)
        if gesture.finger == 0 and gesture.kind in kinds and gesture.end_ms + _NEAR_MS >= step.at_ms
    ]
    return unused.pop(min(near)[1]) if near else None


def _add_gesture(step: TouchStep, gesture: Gesture, gestures: Sequence[Gesture]) -> TouchStep:
    """Give a noted step the place and the way of its gesture."""
    drawn = _describe_gesture(gesture, gestures)
    is_press = step.kind == "tap" and gesture.kind == "press"
    return replace(
        step,
        # A note may come when the finger has left, and after the screen that it opened.
        at_ms=min(step.at_ms, drawn.at_ms),
        kind="press" if is_press else step.kind,
        place=drawn.place,
        end_place=drawn.end_place,
        direction=step.direction or drawn.direction,
        fingers=drawn.fingers,
        is_dead=drawn.is_dead,
    )


def _describe_gesture(gesture: Gesture, gestures: Sequence[Gesture]) -> TouchStep:
    first, last = gesture.points[0], gesture.points[-1]
    is_swipe = gesture.kind == "swipe"
    quarters = round(atan2(last.y - first.y, last.x - first.x) / (pi / 2))
    return TouchStep(
        at_ms=max(0, gesture.start_ms),
        kind=gesture.kind,
        target=None,
        place=_find_place(gesture, first.x, first.y),
        end_place=_find_place(gesture, last.x, last.y) if is_swipe else None,
        direction=_WAYS[quarters % 4] if is_swipe else None,
        fingers=_count_fingers(gesture, gestures),
        is_dead=gesture.is_dead,
    )


def _find_place(gesture: Gesture, x: float, y: float) -> ScreenPlace:
    width, height = gesture.size
    across, down = 100 * x / width, 100 * y / height
    return ScreenPlace(round(min(max(0.0, across), 100.0), 1), round(min(max(0.0, down), 100.0), 1))


def _count_fingers(gesture: Gesture, gestures: Sequence[Gesture]) -> int:
    """Count the fingers that were down together with the one of a gesture."""
    first = bisect_left(
        gestures, gesture.start_ms - _LONGEST_TOUCH_MS, key=lambda each: each.start_ms
    )
    last = bisect_right(gestures, gesture.end_ms, key=lambda each: each.start_ms)
    first = max(first, last - _MOST_NEAR)
    others = {
        each.finger
        for each in gestures[first:last]
        if each.finger != gesture.finger and each.end_ms >= gesture.start_ms
    }
    return 1 + len(others)


def _absorb_single_taps(steps: list[TouchStep], many: TouchStep) -> TouchStep:
    """Take the taps that a note of quick taps counts once more out of the steps before it."""
    began_ms = many.at_ms - many.times * _QUICK_MS
    first: TouchStep | None = None
    taken = 0
    for step in reversed(steps[-many.times :]):
        is_one = step.kind == many.kind and step.times == 1 and step.target == many.target
        if not is_one or step.at_ms < began_ms:
            break
        first, taken = step, taken + 1
    if first is None:
        return many
    del steps[len(steps) - taken :]
    return replace(
        many,
        at_ms=first.at_ms,
        place=first.place or many.place,
        times=max(many.times, taken),
        is_dead=many.is_dead or first.is_dead,
    )


def _is_noted(gesture: Gesture, noted_ms: Sequence[int]) -> bool:
    at = bisect_left(noted_ms, gesture.start_ms - _NEAR_MS)
    return at < len(noted_ms) and noted_ms[at] <= gesture.end_ms + _NEAR_MS


def _mark_dead_tap(
    steps: list[TouchStep], crumb: Breadcrumb, *, zero_ms: int, platform: Platform
) -> None:
    """Mark the tap after which nothing changed; one that has no step yet gets one."""
    at_ms = max(0, crumb.at_ms - zero_ms)
    first = bisect_left(steps, at_ms - _DEAD_NEAR_MS, key=lambda step: step.at_ms)
    last = bisect_right(steps, at_ms + _DEAD_NEAR_MS, key=lambda step: step.at_ms)
    near = [
        (abs(step.at_ms - at_ms), at)
        for at, step in enumerate(steps[first:last][:_MOST_NEAR], first)
        if step.kind in {"tap", "click"}
    ]
    if near:
        at = min(near)[1]
        steps[at] = replace(steps[at], is_dead=True)
        return
    dead = TouchStep(at_ms, "tap", read_target(crumb, platform), None, is_dead=True)
    steps.insert(bisect_right(steps, at_ms, key=lambda step: step.at_ms), dead)
