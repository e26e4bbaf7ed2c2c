"""Decides when a replay is drawn: soon after it ended, after its first error, and as it grows.

A replay that goes on is drawn again each time it has become half as long again, so all its
drawings together cost no more than three times the last one.
"""

from datetime import datetime, timedelta
from typing import Final

from app.replays.model import Replay
from app.replays.pictures import PictureTask, ReplayPictures

QUIET: Final = timedelta(seconds=15)
"""The silence after which a replay is drawn. Phones in use send a segment every five seconds."""
_FIRST: Final = timedelta(seconds=60)
"""A replay that is never quiet is drawn for the first time after this long."""
_ERROR: Final = timedelta(seconds=3)
_AGAIN: Final = (timedelta(minutes=1), timedelta(minutes=10))
"""Pauses after a failure; after one more there is no picture until the replay grows."""
_UNNOTED: Final = timedelta(seconds=30)
"""A replay that is newer may not be noted for drawing yet, which takes two seconds."""


def find_due_time(
    replay: Replay, task: PictureTask, error_ms: int | None, *, now: datetime
) -> datetime | None:
    """Find the time at which to draw a replay.

    Args:
        replay: The replay as it is now.
        task: The task, with what was drawn before.
        error_ms: The moment of its first error, if it has one.
        now: The server's time; the answer is never earlier.

    Returns:
        The time; None if its pictures are right, or it has no video.
    """
    if not replay.video_segments:
        return None
    made = task.made
    quiet_at = replay.last_received_at + QUIET
    if made is None or task.made_at is None:
        wait = _FIRST if error_ms is None else _ERROR
        return max(now, min(quiet_at, replay.first_received_at + wait))
    if made.error_ms != error_ms:
        return now
    if made.video_segments == replay.video_segments:
        return None
    age = task.made_at - replay.first_received_at
    return max(now, min(quiet_at, task.made_at + max(_FIRST, age / 2)))


def find_retry_time(tries: int, *, now: datetime) -> datetime | None:
    """Find the time of the next try after some failures; None if there is none."""
    return now + _AGAIN[tries - 1] if tries <= len(_AGAIN) else None


def is_due(replay: Replay, pictures: ReplayPictures | None, *, now: datetime) -> bool:
    """Tell whether pictures of a replay are drawn soon.

    Args:
        replay: The replay.
        pictures: The row of its pictures; None if nothing was drawn or noted.
        now: The server's time.
    """
    if pictures is not None:
        return pictures.is_due
    return replay.video_segments > 0 and now - replay.last_received_at < _UNNOTED
