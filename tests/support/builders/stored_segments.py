"""Segments on their way into the tables, without the envelopes that bring them."""

from datetime import timedelta
from typing import Any

from app.core import clock
from app.db.engine import Database
from app.db.text import JsonText
from app.formats.replay.recording_summary import RecordingCounts
from app.formats.stored.packed_json import pack_json
from app.ingest.digest import marks
from app.ingest.digest.marks import JournalRange
from app.ingest.digest.store import LaidOutBatch, store_batch
from app.ingest.items.item_type import PreparedBatch
from app.ingest.items.replay_video import REPLAY_VIDEO
from app.ingest.items.segments.pack import PreparedSegment
from app.replays.model import NewSegment, ReplayKey, StoredVideo
from app.storage.port import ObjectStore

JOURNAL = "c" * 32


def make_recording(text: str) -> bytes:
    """Pack a recording of one event."""
    return pack_json([{"type": 5, "text": text}])


def make_prepared_segment(
    key: ReplayKey,
    segment_id: int = 0,
    *,
    video: bytes | None = b"video",
    recording: bytes | None = None,
    video_layout: bytes | None = None,
    **changes: Any,
) -> PreparedSegment:
    """Make a segment of five seconds; without a layout, its video cannot be played."""
    now = clock.now()
    started_at = now + timedelta(seconds=5 * segment_id)
    values: dict[str, Any] = {
        "key": key,
        "segment_id": segment_id,
        "received_at": now,
        "drift_ms": 0,
        "started_at": started_at,
        "ended_at": started_at + timedelta(seconds=5),
        "replay_type": "session",
        "is_complete": True,
        "sdk_name": None,
        "facts": JsonText("{}"),
        "user": None,
        "screens": (),
        "trace_ids": (),
        "recording": make_recording(f"note {segment_id}") if recording is None else recording,
        "counts": RecordingCounts(),
        "background_at": None,
        "foreground_at": None,
        "declared_size_px": None,
        "video": None,
        "no_video_reason": "the segment came without a video",
    }
    if video is not None:
        fault = "no frames" if video_layout is None else None
        values["video"] = StoredVideo(len(video), 448, 960, 6, 5_000, "avc1", video_layout, fault)
        values["no_video_reason"] = None
    segment = NewSegment(**{**values, **changes})
    return PreparedSegment(segment, "replay_video", None if video is None else memoryview(video))


async def store_claimed(database: Database, store: ObjectStore, batch: LaidOutBatch) -> None:
    """Store a batch as a process does that has just claimed its journal."""
    async with database.transaction() as connection:
        mark = await marks.claim_mark(connection, batch.entries.journal_id)
    await store_batch(database, store, batch, mark)


class SegmentWriter:
    """Stores batches of segments one after another, each in a pack of its own."""

    def __init__(self, database: Database, store: ObjectStore) -> None:
        self._database = database
        self._store = store
        self._seq = 0

    async def add(self, *segments: PreparedSegment) -> None:
        """Store segments as digest does."""
        self._seq += 1
        prepared = PreparedBatch()
        prepared.rows_of(REPLAY_VIDEO).extend(segments)
        batch = LaidOutBatch.of(prepared, JournalRange(JOURNAL, self._seq, self._seq))
        await store_claimed(self._database, self._store, batch)
