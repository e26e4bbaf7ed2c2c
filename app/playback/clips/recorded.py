"""Reads what a clip draws over the picture: the gestures and the captions of its range.

Only the segments around the range are unpacked, so that ten seconds of a replay of an hour cost as
much as ten seconds of a short one.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from app.core import units
from app.core.replay.replay_range import ReplayRange
from app.db.engine import Database
from app.playback.clips import captions
from app.playback.clips.captions import ClipCaptions
from app.playback.recording import contents, gestures, merging, recorded_segments
from app.playback.recording.gestures import Gesture
from app.replays.model import Replay, Segment
from app.storage.port import ObjectStore

_BEFORE_MS: Final = 60_000
"""The time before the range that is read as well, for gestures that began and screens that opened
there. Earlier screens are known from the rows of their segments."""
_AFTER_MS: Final = 1_000


@dataclass(frozen=True, slots=True)
class RecordedRange:
    """The gestures and captions of a range of a replay."""

    gestures: tuple[Gesture, ...]
    captions: ClipCaptions


async def read_recorded_range(
    database: Database,
    store: ObjectStore,
    replay: Replay,
    wanted: ReplayRange,
    *,
    zero_ms: int,
    duration_ms: int,
) -> RecordedRange:
    """Read the gestures and the captions of a range.

    Args:
        database: The database.
        store: The store with the recordings of sealed replays.
        replay: The replay.
        wanted: The range.
        zero_ms: The replay's zero, in milliseconds since 1970.
        duration_ms: The length of the replay.

    Raises:
        ServiceUnavailable: Postgres or the storage does not answer.
    """
    async with database.reading() as connection:
        rows = await recorded_segments.read_rows(connection, replay)
    near = await recorded_segments.fetch_recordings(
        store, [row for row in rows if _is_near(row, wanted, zero_ms)]
    )
    return await asyncio.to_thread(_read_range, rows, near, zero_ms, duration_ms)


def _is_near(segment: Segment, wanted: ReplayRange, zero_ms: int) -> bool:
    started_ms = units.ms_from_at(segment.started_at) - zero_ms
    ended_ms = units.ms_from_at(segment.ended_at) - zero_ms
    return started_ms < wanted.to_ms + _AFTER_MS and ended_ms > wanted.from_ms - _BEFORE_MS


def _read_range(
    rows: Sequence[Segment], near: Sequence[Segment], zero_ms: int, duration_ms: int
) -> RecordedRange:
    recorded = recorded_segments.read_recordings(near)
    activities = [each.activity for each in recorded]
    return RecordedRange(
        gestures.read_gestures(recorded, zero_ms=zero_ms),
        captions.read_captions(
            merging.merge_breadcrumbs(activity.breadcrumbs for activity in activities),
            merging.merge_spans(activity.spans for activity in activities),
            screens=contents.lay_out_segment_screens(
                rows, zero_ms=zero_ms, duration_ms=duration_ms
            ),
            zero_ms=zero_ms,
        ),
    )
