"""What fingers did, as rows of the Activity panel, where no breadcrumb of the SDK tells of it."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from math import atan2, pi
from typing import Final

from app.formats.replay.activity import Breadcrumb
from app.playback.recording.gestures import Gesture, find_quick_taps
from app.web.words.activity import ActivityKind, ActivityRow, Icon
from app.web.words.breadcrumb import breadcrumb_words

NOTE_NEAR_MS: Final = 600
"""A note so near a gesture speaks of it; the timeline draws by the same rule."""
_CATEGORY: Final = "touch"
_TAPS: Final = frozenset({"ui.tap", "ui.click"})
_MANY_TAPS: Final = "ui.multiClick"
_MANY_TAPS_LATE_MS: Final = 1_500
"""An SDK waits for further taps before it notes them as one."""
_WAYS: Final = ("right", "down", "left", "up")
_GESTURE: Final[ActivityKind] = "gesture"


def gesture_rows(
    found: Sequence[Gesture],
    crumbs: Sequence[Breadcrumb],
    noted: Iterable[ActivityRow],
    *,
    start_ms: int,
) -> list[ActivityRow]:
    """Describe quick taps as one row, and each gesture that no breadcrumb speaks of.

    Args:
        found: Gestures of the replay, in the order of their starts.
        crumbs: Breadcrumbs of the replay, in time order.
        noted: The rows of the breadcrumbs.
        start_ms: When the replay starts, in milliseconds since 1970.
    """
    noted_ms = sorted(row.at_ms for row in noted if row.kind == _GESTURE)
    runs = find_quick_taps(found)
    told = {id(tap) for run in runs for tap in run}
    rows = [row for run in runs if (row := _quick_taps(run, crumbs, start_ms)) is not None]
    for gesture in found:
        is_first_finger = gesture.finger == 0
        if is_first_finger and id(gesture) not in told and not _is_noted(gesture, noted_ms):
            rows.append(_row(gesture))
    return rows


def _quick_taps(
    run: Sequence[Gesture], crumbs: Sequence[Breadcrumb], start_ms: int
) -> ActivityRow | None:
    """Describe quick taps on one place; None when the SDK noted them as such itself."""
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
    targets = (breadcrumb_words.find_target(crumb) for crumb in near if crumb.category in _TAPS)
    target = next((name for name in targets if name), None)
    words = breadcrumb_words.describe_quick_taps(
        len(run), target, detail=None if target else _place(first)
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
    """Tell whether a note of a gesture lies so near that it speaks of this one."""
    at = bisect_left(noted_ms, gesture.start_ms - NOTE_NEAR_MS)
    return at < len(noted_ms) and noted_ms[at] <= gesture.end_ms + NOTE_NEAR_MS


def _row(gesture: Gesture) -> ActivityRow:
    title, icon = _words(gesture)
    return ActivityRow(
        at_ms=gesture.start_ms,
        kind=_GESTURE,
        icon=icon,
        category=_CATEGORY,
        title=title,
        detail=_place(gesture),
    )


def _words(gesture: Gesture) -> tuple[str, Icon]:
    match gesture.kind:
        case "tap":
            return "Tap", "tap"
        case "press":
            return "Long press", "tap"
        case _:
            first, last = gesture.points[0], gesture.points[-1]
            quarters = round(atan2(last.y - first.y, last.x - first.x) / (pi / 2))
            return f"Swipe {_WAYS[quarters % 4]}", "swipe"


def _place(gesture: Gesture) -> str:
    """Say where a gesture began, as shares of the screen."""
    first, (width, height) = gesture.points[0], gesture.size
    across, down = round(100 * first.x / width), round(100 * first.y / height)
    return f"at {across} % across, {down} % down"
