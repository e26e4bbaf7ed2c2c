"""Reads the recordings of a replay, for its panels and its gestures.

A recording lies in the row of its segment until the replay is sealed, and in a sealed object from
then on. There all of them lie side by side, so they are read at once.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

from sqlalchemy.ext.asyncio import AsyncConnection

from app.core import log
from app.db.engine import Database
from app.formats.replay import activity, recording
from app.formats.replay.activity import Activity
from app.formats.stored import packed_json
from app.replays.model import Replay, Segment
from app.replays.segments import segment_queries
from app.storage import ranged_reads
from app.storage.port import ObjectStore
from app.storage.ranged_reads import ObjectRange

MOST_BYTES: Final = 64 * 1024 * 1024
"""The most bytes of all recordings of a replay, unpacked and as stored; an hour has about 36 MB. A
hostile sender can send 20 MiB, or pack them into kilobytes, two thousand times: opening such a
replay would bring the server down."""
_READ_BYTES: Final = 16 * 1024 * 1024
"""The most bytes of one read of a sealed object. All recordings of a replay of an hour have some
1 to 3 MB as they are compressed, so that they are one read."""
_NO_ACTIVITY: Final = activity.read_activity(())

_log: Final = log.get_logger("playback.recordings")


class RecordedSegment(NamedTuple):
    """A stored segment with the activity of its recording. A tuple, as `Segment` is."""

    segment: Segment
    activity: Activity
    size_px: tuple[int, int]
    """Width and height of the screen that its touches refer to; zeros if not known."""
    is_read: bool = True
    """False if the recording is left out, because all are too large together."""


async def read_segments(
    database: Database, store: ObjectStore, replay: Replay, *, from_segment: int = 0
) -> list[Segment]:
    """Read the segments of a replay with as many recordings as `read_recordings` reads at most.

    No connection to Postgres is held while the storage is read.

    Args:
        database: The database.
        store: The store with the recordings of sealed replays.
        replay: The replay.
        from_segment: The first segment whose recording is read.

    Raises:
        ServiceUnavailable: Postgres or the storage does not answer.
    """
    async with database.reading() as connection:
        segments = await read_rows(connection, replay, from_segment=from_segment)
    return await fetch_recordings(store, segments)


async def read_rows(
    connection: AsyncConnection, replay: Replay, *, from_segment: int = 0
) -> list[Segment]:
    """Read the rows of the segments, with the recordings that lie in them."""
    return await segment_queries.read_segments(
        connection,
        replay.key,
        day=replay.day,
        recording_bytes=MOST_BYTES,
        from_segment=from_segment,
        steps=replay.clock_steps,
    )


async def fetch_recordings(store: ObjectStore, segments: Sequence[Segment]) -> list[Segment]:
    """Fetch the recordings that lie in sealed objects; a missing one is as good as a damaged one.

    Raises:
        ServiceUnavailable: The storage does not answer.
    """
    sealed = {
        number: ObjectRange(
            segment.recording_key, segment.recording_offset or 0, segment.recording_bytes or 0
        )
        for number, segment in enumerate(segments)
        if segment.recording_key is not None
    }
    found = await ranged_reads.read_ranges(store, list(sealed.values()), most_bytes=_READ_BYTES)
    recordings = dict(zip(sealed, found, strict=True))
    return [
        segment._replace(recording=recordings[number] or b"") if number in recordings else segment
        for number, segment in enumerate(segments)
    ]


def read_recordings(
    segments: Sequence[Segment], *, from_segment: int = 0, with_touches: bool = True
) -> list[RecordedSegment]:
    """Read the recordings of segments, in their order.

    A damaged recording is read as empty. So are the recordings before `from_segment`, and all from
    the first that takes the total beyond 64 MiB.

    Args:
        segments: The segments in the order of their ids.
        from_segment: The first segment whose recording is read.
        with_touches: True if touches are read too.
    """
    before = [segment for segment in segments if segment.segment_id < from_segment]
    recorded = [
        RecordedSegment(segment, _NO_ACTIVITY, _size_px(segment), is_read=False)
        for segment in before
    ]
    left_bytes = MOST_BYTES
    for segment in segments[len(before) :]:
        stored = segment.recording
        left_bytes -= 0 if stored is None else packed_json.read_first_text_bytes(stored)
        if stored is None or left_bytes < 0:
            _log.warning("recordings_too_large", from_segment_id=segment.segment_id)
            break
        recorded.append(_read_recording(segment, stored, with_touches=with_touches))
    unread = segments[len(recorded) :]
    return recorded + [
        RecordedSegment(segment, _NO_ACTIVITY, _size_px(segment), is_read=False)
        for segment in unread
    ]


def _read_recording(segment: Segment, stored: bytes, *, with_touches: bool) -> RecordedSegment:
    try:
        events = packed_json.unpack_json(stored)
    except ValueError as error:
        _log.error("recording_unreadable", segment_id=segment.segment_id, error=str(error))
        events = []
    if not isinstance(events, list):
        events = []
    size_px = recording.read_screen_size_px(events) or _size_px(segment)
    found = activity.read_activity(events, with_touches=with_touches)
    return RecordedSegment(segment, activity.shift_activity(found, segment.shift_ms), size_px)


def _size_px(segment: Segment) -> tuple[int, int]:
    return segment.width_px or 0, segment.height_px or 0
