"""Describes gestures as rows of the Activity panel, unless a breadcrumb of the SDK does."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from math import atan2, pi
from typing import Final

from app.formats.replay.activity import Breadcrumb, find_touched
from app.playback.recording.gestures import Gesture, find_quick_taps
from app.web.words.breadcrumb import breadcrumb_words
from app.web.words.panels.activity import ActivityKind, ActivityRow, Icon

NOTE_NEAR_MS: Final = 600
"""A breadcrumb so near a gesture describes it; the timeline draws by the same rule."""
_CATEGORY: Final = "touch"
_TAPS: Final = frozenset({"ui.tap", "ui.click"})
_MANY_TAPS: Final = "ui.multiClick"
_MANY_TAPS_LATE_MS: Final = 1_500
"""An SDK waits for further taps so long before it notes them as one."""
_WAYS: Final = ("right", "down", "left", "up")
_GESTURE: Final[ActivityKind] = "gesture"


def gesture_rows(
    gestures: Sequence[Gesture],
    crumbs: Sequence[Breadcrumb],
    crumb_rows: Iterable[ActivityRow],
    *,
    start_ms: int,
) -> list[ActivityRow]:
    """Describe quick taps as one row, and each gesture that no breadcrumb describes.

    Args:
        gestures: The gestures of the replay, in the order of their starts.
        crumbs: The breadcrumbs of the replay, in time order.
        crumb_rows: The rows of the breadcrumbs.
        start_ms: The start of the replay, in milliseconds since 1970.
    """
    noted_ms = sorted(row.at_ms for row in crumb_rows if row.kind == _GESTURE)
    runs = find_quick_taps(gestures)
    quick_taps = {id(tap) for run in runs for tap in run}
    rows = [row for run in runs if (row := _describe_run(run, crumbs, start_ms)) is not None]
    for gesture in gestures:
        is_first_finger = gesture.finger == 0
        if is_first_finger and id(gesture) not in quick_taps and not _is_noted(gesture, noted_ms):
            rows.append(_describe_gesture(gesture))
    return rows


def _describe_run(
    run: Sequence[Gesture], crumbs: Sequence[Breadcrumb], start_ms: int
) -> ActivityRow | None:
    """Describe quick taps on one place; None if the SDK noted them as such itself."""
    first, last = run[0], run[-1]
    from_ms = start_ms + first.start_ms - NOTE_NEAR_MS
    to_ms = start_ms + last.end_ms + _MANY_TAPS_LATE_MS
    near = crumbs[
        bisect_left(crumbs, from_ms, key=lambda crumb: crumb.at_ms) : bisect_right(
            crumbs, to_ms, key=lambda crumb: crumb.at_ms
        )
    ]
    if any(crumb.category == _MANY_TAPS for crumb in near):
        return None
    targets = (find_touched(crumb) for crumb in near if crumb.category in _TAPS)
    target = next((name for name in targets if name), None)
    words = breadcrumb_words.describe_quick_taps(
        len(run), target, detail=None if target else _describe_place(first)
    )
    return ActivityRow(
        at_ms=first.start_ms,
        kind=words.kind,
        icon=words.icon,
        category=_CATEGORY,
        title=words.title,
        detail=words.detail,
        level=words.level or "info",
    )


def _is_noted(gesture: Gesture, noted_ms: Sequence[int]) -> bool:
    """Tell whether a breadcrumb of a gesture lies near enough to describe this one."""
    at = bisect_left(noted_ms, gesture.start_ms - NOTE_NEAR_MS)
    return at < len(noted_ms) and noted_ms[at] <= gesture.end_ms + NOTE_NEAR_MS


def _describe_gesture(gesture: Gesture) -> ActivityRow:
    title, icon = _name_gesture(gesture)
    return ActivityRow(
        at_ms=gesture.start_ms,
        kind=_GESTURE,
        icon=icon,
        category=_CATEGORY,
        title=title,
        detail=_describe_place(gesture),
    )


def _name_gesture(gesture: Gesture) -> tuple[str, Icon]:
    match gesture.kind:
        case "tap":
            return "Tap", "tap"
        case "press":
            return "Long press", "tap"
        case _:
            first, last = gesture.points[0], gesture.points[-1]
            quarters = round(atan2(last.y - first.y, last.x - first.x) / (pi / 2))
            return f"Swipe {_WAYS[quarters % 4]}", "swipe"


def _describe_place(gesture: Gesture) -> str:
    """Say where on the screen a gesture began, in percent."""
    first, (width, height) = gesture.points[0], gesture.size
    across, down = round(100 * first.x / width), round(100 * first.y / height)
    return f"at {across} % across, {down} % down"
