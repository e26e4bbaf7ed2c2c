"""Infers how a replay ended from the breadcrumbs and errors near its end, as no SDK says it.

The list and the page of a replay call the same function, so they agree.
"""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from app.playback.links.linked_errors import ErrorCounts
from app.replays.model import Replay

_NEAR: Final = timedelta(seconds=15)
"""The last segment of a crashed app may end seconds before the crash."""
_LAST: Final = timedelta(seconds=5)
_CAP: Final = timedelta(minutes=60)
_CAP_SLACK: Final = timedelta(seconds=10)
_WHOLE_MS: Final = 4_900
"""Recorders send a segment every 5 s, and what is left of one when they are stopped."""


class ReplayEnding(StrEnum):
    """The ending of a replay; the values are those of the key `end` of the search."""

    CRASHED = "crashed"
    CAPPED = "60-minute_limit"
    HUNG = "not_responding"
    LEFT = "in_background"
    CLOSED = "closed"
    CUT = "cut"


def infer_ending(replay: Replay, counts: ErrorCounts, *, last_ms: int | None) -> ReplayEnding:
    """Infer how a replay ended from its row, its last segment and the errors of its app.

    Args:
        replay: The replay.
        counts: The counts of its errors; their moments are on the phone's clock.
        last_ms: The length of its last segment, or None if it is not known.
    """
    return find_reported_ending(replay, counts) or infer_silent_ending(replay, last_ms=last_ms)


def find_reported_ending(replay: Replay, counts: ErrorCounts) -> ReplayEnding | None:
    """Find the ending that was reported or noted; None if the app went silent without a sign."""
    if _is_near_end(replay, counts.crashed_at):
        return ReplayEnding.CRASHED
    if replay.ended_at - replay.started_at >= _CAP - _CAP_SLACK:
        return ReplayEnding.CAPPED
    if _is_near_end(replay, counts.hung_at):
        return ReplayEnding.HUNG
    left = _to_replay_clock(replay, replay.background_at)
    returned = _to_replay_clock(replay, replay.foreground_at)
    has_returned = left is not None and returned is not None and returned > left
    if left is None or left < replay.ended_at - _LAST or has_returned:
        return None
    return ReplayEnding.LEFT


def infer_silent_ending(replay: Replay, *, last_ms: int | None) -> ReplayEnding:
    """Infer from the length of the last segment how a replay ended that went silent.

    Args:
        replay: The replay.
        last_ms: The length of its last segment, or None if it is not known.
    """
    is_whole = last_ms is not None and last_ms >= _WHOLE_MS
    return ReplayEnding.CUT if is_whole and replay.video_segments else ReplayEnding.CLOSED


def _is_near_end(replay: Replay, at: datetime | None) -> bool:
    """Tell whether a moment of the phone's clock lies near the end of the replay, or after it."""
    replay_at = _to_replay_clock(replay, at)
    return replay_at is not None and replay_at >= replay.ended_at - _NEAR


def _to_replay_clock(replay: Replay, at: datetime | None) -> datetime | None:
    """Convert a moment of the phone's clock to the replay's, if somebody set the phone's clock.

    A clock that is set back shows the same time twice. The later moment is taken, because callers
    ask only about what happened near the end.
    """
    if at is None:
        return None
    for step in reversed(replay.clock_steps):
        if step.overlaps(at, at):
            return at + timedelta(milliseconds=step.shift_ms)
    return at
