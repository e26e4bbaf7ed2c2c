"""Infers how a replay ended: no SDK says it, but what was noted and reported near the end tells.

List and page ask the same function, so that they agree.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from app.playback.linked_errors import ErrorCounts
from app.replays.model import Replay

_NEAR: Final = timedelta(seconds=15)
"""The last segment of a crashed app may end seconds before the crash."""
_LAST: Final = timedelta(seconds=5)
_CAP: Final = timedelta(minutes=60)
_CAP_SLACK: Final = timedelta(seconds=10)
_WHOLE_MS: Final = 4_900
"""Recorders send a segment every 5 s, and what is left of one when they are stopped."""


@dataclass(frozen=True, slots=True)
class Ending:
    """How a replay ended in a word or two, and from what that was inferred."""

    text: str
    because: str
    has_crashed: bool = False


CRASHED: Final = Ending("crashed", "The app reported a crash at the end.", has_crashed=True)
CAPPED: Final = Ending("60-minute limit", "SDKs stop a recording after 60 minutes.")
HUNG: Final = Ending("not responding", "The app reported that it hung at the end.")
LEFT: Final = Ending("in background", "The last breadcrumbs say that the app left the screen.")
CLOSED: Final = Ending(
    "closed",
    "Nothing was reported at the end: no crash, no hang, no change to the background. "
    "The app was closed, or recording was stopped.",
)
CUT: Final = Ending(
    "cut",
    "The last segment is a whole one and nothing followed, though a recording that is stopped "
    "sends the piece it has begun: the process was probably killed, or what it sent last was lost.",
)


def infer(replay: Replay, counts: ErrorCounts, *, last_ms: int | None) -> Ending:
    """Say how a replay ended, as far as its row, its last segment and the errors of its app tell.

    Args:
        replay: The replay.
        counts: Of its errors; the moments in them are on the phone's clock.
        last_ms: How long its last segment lasts; None where nobody knows.
    """
    if _is_near(replay, counts.crashed_at):
        return CRASHED
    if replay.ended_at - replay.started_at >= _CAP - _CAP_SLACK:
        return CAPPED
    if _is_near(replay, counts.hung_at):
        return HUNG
    left, back = (_place(replay, at) for at in (replay.background_at, replay.foreground_at))
    if left is None or left < replay.ended_at - _LAST or (back is not None and back > left):
        is_whole = last_ms is not None and last_ms >= _WHOLE_MS
        return CUT if is_whole and replay.video_segments else CLOSED
    return LEFT


def _is_near(replay: Replay, at: datetime | None) -> bool:
    """Tell whether something happened at the end, or after it."""
    placed = _place(replay, at)
    return placed is not None and placed >= replay.ended_at - _NEAR


def _place(replay: Replay, at: datetime | None) -> datetime | None:
    """Place a moment of the phone's clock on the replay's, which differ if somebody set the former.

    A clock that is set back shows the same time twice. The later one is meant: only what happened
    near the end is asked for.
    """
    if at is None:
        return None
    for step in reversed(replay.clock_steps):
        if step.is_touched(at, at):
            return at + timedelta(milliseconds=step.shift_ms)
    return at
