"""Hides the taps of a recording: its touches, and the breadcrumbs that name what was tapped.

    breadcrumbs ─► visits of screens ─► which of them hide every tap ─┐
    touches ─► gestures, finger by finger ─► which lie in a region ───┴─► events without them

A gesture is hidden as a whole. One breadcrumb says how many taps of a visit were hidden by which
rule. It stands at the first of them: the times between taps tell something about a PIN, too.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec

from app.formats import jsonish, timestamps
from app.formats.jsonish import JsonObject
from app.formats.replay import recording
from app.scrub.rules import ScrubRemark
from app.scrub.taps import names, visits
from app.scrub.taps.names import TapMatcher
from app.scrub.taps.rules import FAILED_RULE, HIDDEN_CATEGORY, KEYPAD, REGION, RULE_PREFIX, TapRules
from app.scrub.taps.visits import ScreenVisit, ScreenVisits

_MOVE: Final = 6
_START, _CANCEL = 7, 10
_LIFTS: Final = frozenset({9, 10})
_BEFORE_MS: Final = 100
_AFTER_MS: Final = 700
"""The breadcrumb of a tap may lie so long before and after its touch."""


class HiddenTaps(msgspec.Struct, frozen=True, gc=False):
    """A recording without the taps that the rules hide, and remarks on them."""

    events: list[JsonObject]
    remarks: tuple[ScrubRemark, ...]


@dataclass(slots=True)
class _Gesture:
    """The touches of one finger."""

    start_ms: float
    has_start: bool
    end_ms: float = 0.0
    numbers: list[int] = field(default_factory=list)
    """Numbers of its events."""
    points: list[tuple[float, float]] = field(default_factory=list)
    is_placed: bool = True
    """False if a point of it could not be read."""


def hide_recorded_taps(
    events: list[JsonObject], rules: TapRules, screens: Sequence[str]
) -> HiddenTaps:
    """Hide the taps of one segment.

    Args:
        events: The rrweb events in the order of time; they are not changed.
        rules: The tap rules of the project.
        screens: The screens that the segment names, in their order.
    """
    try:
        hider = _TapHider(events, names.get_matcher(rules), screens)
        hider.hide_gestures()
        hider.hide_breadcrumbs()
        return hider.make_result()
    except Exception:  # noqa: BLE001 - a rule that fails must not let a tap pass
        return _hide_all(events)


def _hide_all(events: Sequence[JsonObject]) -> HiddenTaps:
    """Return a recording without any touch and breadcrumb."""
    kept = [
        event
        for event in events
        if event.get("type") != recording.INCREMENTAL
        and jsonish.mapping(event, "data").get("tag") != "breadcrumb"
    ]
    return HiddenTaps(kept, (ScrubRemark(f"{RULE_PREFIX}{FAILED_RULE}", "taps", 1),))


class _TapHider:
    """Goes through one recording, and notes the numbers of the events that are hidden."""

    def __init__(
        self, events: list[JsonObject], matcher: TapMatcher, screens: Sequence[str]
    ) -> None:
        self._events = events
        self._matcher = matcher
        self._size_px = recording.read_screen_size_px(events)
        crumbs = [(number, *_read_crumb(event)) for number, event in enumerate(events)]
        self._taps = [crumb for crumb in crumbs if visits.is_tap(crumb[2].get("category"))]
        self._visits = visits.lay_out_visits(list(_find_changes(crumbs)), screens)
        visits.judge_visits(self._visits, matcher)
        for _, at_ms, payload in self._taps:
            visits.judge_tap(self._visits.find(at_ms), matcher, payload)
        self._hidden: set[int] = set()
        self._in_regions: dict[float, ScreenVisit] = {}
        """The counts of what regions hide in a visit, by the start of the visit."""

    def hide_gestures(self) -> None:
        """Hide the gestures of hidden visits and in regions, and the breadcrumbs of the latter."""
        for gesture in _follow_fingers(self._events):
            rule = _judge_gesture(gesture, self._visits, self._matcher, self._size_px)
            if rule is None:
                continue
            visit = self._visits.find(gesture.start_ms)
            if visit.hidden_by is None:
                visit = self._in_regions.setdefault(
                    visit.start_ms, ScreenVisit(visit.start_ms, visit.screen, hidden_by=rule)
                )
                self._hide_breadcrumbs_of(gesture, visit)
            self._hidden.update(gesture.numbers)
            if gesture.has_start:
                visit.hide(gesture.start_ms, is_touch=True)

    def hide_breadcrumbs(self) -> None:
        """Hide the breadcrumbs of taps in hidden visits."""
        for number, at_ms, _ in self._taps:
            visit = self._visits.find(at_ms)
            if visit.hidden_by is not None:
                self._hide_breadcrumb(number, at_ms, visit)

    def make_result(self) -> HiddenTaps:
        """Return the events that are left, with a note on the hidden ones of each visit."""
        if not self._hidden:
            return HiddenTaps(self._events, ())
        judged = [*self._visits.visits, *self._in_regions.values()]
        return _write_result(self._events, self._hidden, judged)

    def _hide_breadcrumbs_of(self, gesture: _Gesture, visit: ScreenVisit) -> None:
        for number, at_ms, _ in self._taps:
            if gesture.start_ms - _BEFORE_MS <= at_ms <= gesture.end_ms + _AFTER_MS:
                self._hide_breadcrumb(number, at_ms, visit)

    def _hide_breadcrumb(self, number: int, at_ms: float, visit: ScreenVisit) -> None:
        if number not in self._hidden:
            self._hidden.add(number)
            visit.hide(at_ms, is_touch=False)


def _read_crumb(event: JsonObject) -> tuple[float, JsonObject]:
    """Return the time and payload of a breadcrumb; an empty payload for another event."""
    data = jsonish.mapping(event, "data")
    at_ms = timestamps.read_epoch_ms(event.get("timestamp"))
    payload = jsonish.mapping(data, "payload") if data.get("tag") == "breadcrumb" else {}
    return float(at_ms or timestamps.read_ms(payload.get("timestamp")) or 0), payload


def _find_changes(
    crumbs: Iterable[tuple[int, float, JsonObject]],
) -> Iterable[tuple[float, str | None]]:
    for _, at_ms, payload in crumbs:
        is_change, name = visits.read_screen_change(payload.get("category"), payload.get("data"))
        if is_change:
            yield at_ms, name


def _follow_fingers(events: Sequence[JsonObject]) -> list[_Gesture]:
    """Put the touches of each finger together; an event that cannot be read is one alone."""
    gestures: list[_Gesture] = []
    down: dict[Any, _Gesture] = {}
    for number, event in enumerate(events):
        if event.get("type") != recording.INCREMENTAL:
            continue
        data = jsonish.mapping(event, "data")
        at_ms = float(timestamps.read_epoch_ms(event.get("timestamp")) or 0)
        kind = jsonish.integer(data, "type") if data.get("source") != _MOVE else None
        pointer = jsonish.integer(data, "pointerId") or 0
        gesture = down.get(pointer)
        if gesture is None or kind == _START:
            gesture = down[pointer] = _Gesture(at_ms, has_start=kind == _START)
            gestures.append(gesture)
        gesture.numbers.append(number)
        gesture.end_ms = max(gesture.end_ms, at_ms)
        _read_points(data, gesture)
        if kind == _CANCEL:
            down.clear()
        elif kind in _LIFTS:
            down.pop(pointer, None)
    return gestures


def _read_points(data: JsonObject, gesture: _Gesture) -> None:
    positions = jsonish.sequence(data, "positions") if data.get("source") == _MOVE else [data]
    for position in positions:
        members = position if isinstance(position, dict) else {}
        x, y = jsonish.number(members, "x"), jsonish.number(members, "y")
        if x is None or y is None:
            gesture.is_placed = False
        else:
            gesture.points.append((x, y))


def _judge_gesture(
    gesture: _Gesture,
    laid_out: ScreenVisits,
    matcher: TapMatcher,
    size_px: tuple[int, int] | None,
) -> str | None:
    """Return the rule that hides a gesture, if any."""
    first, last = laid_out.find(gesture.start_ms), laid_out.find(gesture.end_ms)
    by_visit = first.hidden_by or last.hidden_by
    if by_visit is not None:
        return by_visit
    # A finger that came down in the segment before may have done so on another screen.
    if not gesture.has_start and matcher.rules.needs_screens:
        return REGION if matcher.rules.regions else KEYPAD
    regions = matcher.find_regions(first.screen)
    if not regions:
        return None
    if size_px is None or not gesture.is_placed:
        return REGION
    width, height = size_px
    is_inside = any(
        region.left <= 100 * x / width <= region.right
        and region.top <= 100 * y / height <= region.bottom
        for x, y in gesture.points
        for region in regions
    )
    return REGION if is_inside else None


def _write_result(
    events: Sequence[JsonObject], hidden: set[int], judged: Iterable[ScreenVisit]
) -> HiddenTaps:
    kept = [event for number, event in enumerate(events) if number not in hidden]
    counts: dict[str, int] = {}
    for visit in judged:
        if visit.first_ms is None or visit.hidden_by is None:
            continue
        kept.append(_make_note(visit.first_ms, max(1, visit.count), visit.hidden_by))
        counts[visit.hidden_by] = counts.get(visit.hidden_by, 0) + max(1, visit.count)
    kept.sort(key=lambda event: timestamps.read_epoch_ms(event.get("timestamp")) or 0)
    return HiddenTaps(
        kept,
        tuple(
            ScrubRemark(f"{RULE_PREFIX}{rule}", "taps", count)
            for rule, count in sorted(counts.items())
        ),
    )


def _make_note(at_ms: float, taps: int, rule: str) -> JsonObject:
    return {
        "type": recording.CUSTOM,
        "timestamp": round(at_ms),
        "data": {"tag": "breadcrumb", "payload": make_note(at_ms, taps, rule)},
    }


def make_note(at_ms: float, taps: int, rule: str) -> JsonObject:
    """Make the breadcrumb that stands for hidden taps."""
    return {
        "type": "default",
        "timestamp": at_ms / 1000,
        "category": HIDDEN_CATEGORY,
        "level": "info",
        "data": {"taps": taps, "rule": rule},
    }
