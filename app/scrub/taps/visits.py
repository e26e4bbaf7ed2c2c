"""Finds out which screen an app showed when, from its breadcrumbs.

A segment is digested alone, so the screen at its beginning is known only if the segment names it.
"""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from app.scrub.taps.names import TapMatcher, read_view_names
from app.scrub.taps.rules import KEYPAD, SCREEN, UNKNOWN_SCREEN

_SCREEN_KEYS: Final = ("to", "screen", "state", "route")
_LIFECYCLES: Final = frozenset({"ui.lifecycle", "app.lifecycle"})
_SHOWN: Final = frozenset({"started", "resumed", "created", "viewDidAppear", "viewWillAppear"})
_TAPS: Final = frozenset({"touch", "tap", "click", "gesture", "keyboard", "input"})


@dataclass(slots=True)
class ScreenVisit:
    """A stretch of time with one screen."""

    start_ms: float
    screen: str | None
    """Name of the screen; None if it is not known."""
    hidden_by: str | None = None
    """The rule that hides every tap of the visit, if any."""
    taps: int = 0
    """Breadcrumbs of taps that were hidden."""
    touches: int = 0
    """Touches that were hidden."""
    first_ms: float | None = None
    """The time of the first of them."""

    def hide(self, at_ms: float, *, is_touch: bool) -> None:
        """Count something that is hidden."""
        self.taps += not is_touch
        self.touches += is_touch
        self.first_ms = at_ms if self.first_ms is None else min(at_ms, self.first_ms)

    @property
    def count(self) -> int:
        """Number of hidden taps: most come as a touch and as a breadcrumb."""
        return max(self.taps, self.touches)


@dataclass(slots=True)
class ScreenVisits:
    """The visits of one recording or event, in the order of time."""

    visits: list[ScreenVisit]
    _starts: list[float] = field(init=False)

    def __post_init__(self) -> None:
        self._starts = [visit.start_ms for visit in self.visits]

    def find(self, at_ms: float) -> ScreenVisit:
        """Return the visit at a time."""
        return self.visits[max(0, bisect_right(self._starts, at_ms) - 1)]


def is_tap(category: Any) -> bool:
    """Tell whether a breadcrumb of this category notes what fingers did."""
    if not isinstance(category, str):
        return False
    return category in _TAPS or (category.startswith("ui.") and category not in _LIFECYCLES)


def read_screen_change(category: Any, data: Any) -> tuple[bool, str | None]:
    """Tell whether a breadcrumb notes a new screen, and its name if that can be read."""
    members = data if isinstance(data, dict) else {}
    if not isinstance(category, str):
        return False, None
    if category in _LIFECYCLES:
        name = members.get("screen")
        is_shown = isinstance(name, str) and str(members.get("state")) in _SHOWN
        return is_shown, name if is_shown else None
    if category != "navigation":
        return False, None
    name = next((members[key] for key in _SCREEN_KEYS if isinstance(members.get(key), str)), None)
    return True, name or None


def lay_out_visits(
    changes: Sequence[tuple[float, str | None]], screens: Sequence[str]
) -> ScreenVisits:
    """Lay out the visits of a recording.

    Args:
        changes: Times at which a new screen was shown, in order, and its name if it is known.
        screens: The screens that the segment names, in order.
    """
    names = [
        name for number, name in enumerate(screens) if name != screens[number - 1] or not number
    ]
    first = names[0] if names else None
    if changes and first is not None and _is_same(first, changes[0][1]):
        first = None  # the segment names only the screen that it changed to
    if not changes and len(set(names)) > 1:
        first = None  # it changed at a time that nothing tells
    visits = [ScreenVisit(float("-inf"), first)]
    visits += [ScreenVisit(at_ms, name) for at_ms, name in changes]
    return ScreenVisits(visits)


def judge_visits(visits: ScreenVisits, matcher: TapMatcher) -> None:
    """Mark the visits whose screens hide every tap."""
    for visit in visits.visits:
        if visit.screen is None:
            visit.hidden_by = UNKNOWN_SCREEN if matcher.rules.needs_screens else None
        elif matcher.is_hidden_screen(visit.screen):
            visit.hidden_by = SCREEN
        elif matcher.is_keypad_screen(visit.screen):
            visit.hidden_by = KEYPAD


def judge_tap(visit: ScreenVisit, matcher: TapMatcher, payload: Mapping[str, Any]) -> None:
    """Hide a whole visit if a tap in it was on a view of a keypad."""
    if visit.hidden_by is None and matcher.is_keypad_view(
        read_view_names(payload.get("message"), payload.get("data"))
    ):
        visit.hidden_by = KEYPAD


def _is_same(first: str, second: str | None) -> bool:
    """Tell whether two names mean one screen: one of them may have the package in front."""
    if second is None:
        return True
    return first == second or first.endswith(f".{second}") or second.endswith(f".{first}")
