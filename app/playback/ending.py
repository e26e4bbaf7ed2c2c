"""Infers how a replay ended: no SDK says it, but breadcrumbs and errors near the end tell."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from app.formats.activity import Breadcrumb
from app.playback.links import CRASHES
from app.replays.model import Replay

_NEAR_MS: Final = 15_000
"""The last segment of a crashed app may end seconds before the crash."""
_LAST_MS: Final = 5_000
_CAP_MS: Final = 60 * 60 * 1000
_CAP_SLACK_MS: Final = 10_000
_HANGS: Final = frozenset({"anr", "app_hang"})


@dataclass(frozen=True, slots=True)
class Mishap:
    """An event of the app itself: its kind, and when on the replay clock."""

    kind: str
    at_ms: int


@dataclass(frozen=True, slots=True)
class Ending:
    """How a replay ended in a word or two, and from what that was inferred."""

    text: str
    because: str
    has_crashed: bool = False


_CAPPED: Final = Ending("60-minute limit", "SDKs stop a recording after 60 minutes.")
_LEFT: Final = Ending("in background", "The last breadcrumbs say that the app left the screen.")
_CLOSED: Final = Ending(
    "closed", "No crash and no change to the background was reported at the end."
)


def infer(
    *, duration_ms: int, mishaps: Sequence[Mishap], breadcrumbs: Sequence[Breadcrumb], zero_ms: int
) -> Ending:
    """Say how a replay ended.

    Args:
        duration_ms: Its length.
        mishaps: The errors of the app, not of backends.
        breadcrumbs: In time order.
        zero_ms: The replay's zero, in milliseconds since 1970.
    """
    last = {one.kind for one in mishaps if one.at_ms >= duration_ms - _NEAR_MS}
    if last & CRASHES:
        return Ending("crashed", "The app reported a crash at the end.", has_crashed=True)
    if duration_ms >= _CAP_MS - _CAP_SLACK_MS:
        return _CAPPED
    if last & _HANGS:
        return Ending("not responding", "The app reported that it hung at the end.")
    if _is_left(breadcrumbs, zero_ms + duration_ms):
        return _LEFT
    return _CLOSED


def at_a_glance(replay: Replay, *, has_crashed: bool) -> str:
    """Say how a replay ended without reading its recordings, for lists."""
    if has_crashed:
        return "crashed"
    if replay.duration_ms >= _CAP_MS - _CAP_SLACK_MS:
        return _CAPPED.text
    left, back = replay.background_at, replay.foreground_at
    if left is None or left < replay.ended_at - timedelta(milliseconds=_LAST_MS):
        return _CLOSED.text
    return _CLOSED.text if back is not None and back > left else _LEFT.text


def _is_left(breadcrumbs: Sequence[Breadcrumb], ended_ms: int) -> bool:
    """Tell whether the app's last move was into the background, and the end followed."""
    moves = [crumb for crumb in breadcrumbs if crumb.category.startswith("app.")]
    return (
        bool(moves)
        and moves[-1].category in {"app.background", "app.inactive"}
        and moves[-1].at_ms >= ended_ms - _LAST_MS
    )
