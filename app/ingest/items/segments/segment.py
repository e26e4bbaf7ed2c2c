"""Makes the rows of replay segments from their parts, and stores them."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import date, datetime
from typing import Final

from app.core import clock, units
from app.core.days import BatchDays
from app.core.errors import RateLimited
from app.core.ids import ProjectId
from app.core.limits import LIMITS
from app.formats.replay.recording_summary import RecordingSummary
from app.formats.stored.packed_remarks import pack_remarks
from app.ingest.items.context import EnvelopeContext
from app.ingest.items.item_type import StoredRows, StoreTransaction
from app.ingest.items.segments import stored_facts
from app.ingest.items.segments.pack import PreparedSegment
from app.ingest.items.segments.scrubbed_recording import ScrubbedRecording
from app.ingest.items.segments.scrubbed_replay_event import ScrubbedReplayEvent
from app.ingest.outcomes import outcome_key
from app.projects.model import LimitReason, Outcome, OutcomeKey
from app.projects.storage import SEGMENT_BYTES, StorageChanges, StorageKind
from app.replays import locks, writes as replay_writes
from app.replays.model import NewSegment, ReplayKey, StoredVideo
from app.replays.writes import AddedSegment, PackRange

_LARGEST_PX: Final = 32_767
"""The largest number that the column holds. Browsers report the size of the page, which may be
taller than any screen."""


def segment_row(
    replay_event: ScrubbedReplayEvent,
    recording: ScrubbedRecording,
    video: StoredVideo | None,
    context: EnvelopeContext,
    extent_ms: tuple[int, int],
    *,
    no_video_reason: str | None,
) -> NewSegment:
    """Make the row of a segment, and count what was removed from it.

    Args:
        replay_event: Its event.
        recording: Its recording.
        video: Its video, or None if it has none.
        context: The context of its envelope.
        extent_ms: Its start and end on the phone's clock.
        no_video_reason: The reason why it has no video, for people, or None if it has one.

    Raises:
        RateLimited: Its number is beyond the limit of segments in a replay.
    """
    event, facts = replay_event.event, replay_event.facts
    if event.segment_id >= LIMITS.segments:
        raise RateLimited(
            f"segment {event.segment_id}: a replay has at most {LIMITS.segments}",
            reason=LimitReason.SEGMENTS,
        )
    start_ms, end_ms = extent_ms
    summary = recording.summary
    remarks = (*replay_event.remarks, *recording.remarks)
    context.count_removals(remarks)
    return NewSegment(
        key=ReplayKey(context.project_id, event.replay_id),
        segment_id=event.segment_id,
        received_at=context.received_at,
        drift_ms=context.drift_of(units.at_from_ms(end_ms)),
        started_at=units.at_from_ms(start_ms),
        ended_at=units.at_from_ms(end_ms),
        replay_type=event.replay_type,
        is_complete=facts.is_complete,
        sdk_name=facts.sdk_name,
        facts=stored_facts.add_mask_settings(facts.facts, summary.mask),
        user=facts.user,
        screens=event.screens,
        trace_ids=event.trace_ids,
        recording=recording.packed,
        counts=summary.counts,
        background_at=_to_moment(summary.background_ms),
        foreground_at=_to_moment(summary.foreground_ms),
        declared_size_px=_find_size_px(summary),
        video=video,
        no_video_reason=no_video_reason,
        removals=pack_remarks(remarks),
    )


def _find_size_px(summary: RecordingSummary) -> tuple[int, int] | None:
    """Return the declared size of the screen, unless no screen is that large."""
    size_px = summary.size_px
    return size_px if size_px is not None and max(size_px) <= _LARGEST_PX else None


def _to_moment(at_ms: int | None) -> datetime | None:
    return None if at_ms is None else units.at_from_ms(at_ms)


async def store_segments(
    transaction: StoreTransaction, rows: Sequence[PreparedSegment]
) -> StoredRows:
    """Store segments of replays that are not deleted.

    Parts of the pack to which no row then points are handed to the sweep.
    """
    connection, pack = transaction.connection, transaction.pack
    deleted = await locks.lock_for_adding(connection, [row.segment.key for row in rows])
    live = [placed for placed in pack.placed if placed.segment.key not in deleted]
    pack_id = None
    if pack.parts:
        pack_id = await replay_writes.add_pack(connection, pack.key, live=pack.videos)
    added = await replay_writes.add_segments(
        connection, live, pack_id=pack_id, days=transaction.days
    )
    kept = {id(placed.segment) for placed in added}
    outcomes: Counter[OutcomeKey] = Counter()
    unused: list[PackRange] = []
    for row, placed in zip(rows, pack.placed, strict=True):
        segment = row.segment
        outcome = Outcome.KEPT if id(segment) in kept else Outcome.DUPLICATE
        if segment.key in deleted:
            outcome = Outcome.DELETED
        if outcome is not Outcome.KEPT and placed.offset is not None and row.video is not None:
            assert pack_id is not None  # noqa: S101 - only a segment in a pack has an offset
            unused.append(PackRange(segment.key, pack_id, placed.offset, len(row.video)))
        outcomes[outcome_key(segment.key.project_id, row.item_type, outcome)] += 1
    await replay_writes.discard_pack_ranges(connection, unused, clock.now())
    return StoredRows(outcomes, _sum_storage(added, transaction.days))


def _sum_storage(added: Sequence[AddedSegment], days: BatchDays) -> StorageChanges:
    """Add up what new segments take. Triggers count the videos that others have gained."""
    of_days: defaultdict[tuple[ProjectId, date], list[NewSegment]] = defaultdict(list)
    for segment in [each.segment for each in added if each.is_new]:
        of_days[segment.key.project_id, days.slot_by_replay[segment.key].day].append(segment)
    changes = StorageChanges()
    for (project_id, day), segments in of_days.items():
        videos = [segment.video for segment in segments if segment.video is not None]
        row_bytes = sum([SEGMENT_BYTES + len(segment.recording) for segment in segments])
        row_bytes += sum([len(video.layout or b"") for video in videos])
        video_bytes = sum([video.object_bytes for video in videos])
        changes.add(
            project_id, day, StorageKind.RECORDINGS, size_bytes=row_bytes, items=len(segments)
        )
        changes.add(project_id, day, StorageKind.VIDEO, size_bytes=video_bytes, items=len(videos))
    return changes
