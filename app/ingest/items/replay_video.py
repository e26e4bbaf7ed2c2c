"""A `replay_video` item: one segment of a mobile replay, video, events and facts."""

from collections.abc import Sequence
from typing import Final

import msgspec

from app.core import units
from app.core.errors import MalformedInput, RequestRefused
from app.core.limits import LIMITS
from app.formats.replay import recording, replay_video
from app.formats.replay.replay_event import ReplayEvent
from app.formats.replay.replay_video import ReplayVideoParts
from app.formats.stored import video_layout
from app.formats.video import mp4
from app.formats.wire.envelope import EnvelopeItem
from app.ingest.items import scrubbed
from app.ingest.items.context import EnvelopeContext, ReceivedItem
from app.ingest.items.item_type import ItemType, PreparedBatch
from app.ingest.items.scrubbed import Told
from app.ingest.items.segments import recorded
from app.ingest.items.segments.pack import PreparedSegment
from app.ingest.items.segments.recorded import Recorded
from app.ingest.items.segments.segment import make_segment, store_segments
from app.replays.model import StoredVideo
from app.scrub.places import PayloadKind


class _Opened(msgspec.Struct, frozen=True, gc=False):
    """An item taken apart, and its event."""

    item: EnvelopeItem
    context: EnvelopeContext
    parts: ReplayVideoParts
    told: Told


def prepare_replay_videos(noted: Sequence[ReceivedItem], prepared: PreparedBatch) -> None:
    """Turn items into segments to be stored; they go through each stage together.

    A broken video or recording costs only itself: the rest of the segment is kept and marked. What
    cannot be a segment is refused and counted.
    """
    opened = _open(noted, prepared)
    skimmed = [recorded.skim(one.parts.recording) for one in opened]
    skimmed = [recorded.clean(skim, one.context) for skim, one in zip(skimmed, opened, strict=True)]
    recordings = [
        recorded.pack(skim, one.parts.recording, one.context)
        for skim, one in zip(skimmed, opened, strict=True)
    ]
    videos = [_read_video(one.parts.video) for one in opened]
    for one, events, (video, fault) in zip(opened, recordings, videos, strict=True):
        try:
            extent_ms = _extent_ms(one.told.event, events, video, one.context)
            segment = make_segment(
                one.told, events, video, one.context, extent_ms, no_video_reason=fault
            )
        except RequestRefused as refused:
            prepared.refuse(one.context, one.item.type, refused)
        else:
            data = one.parts.video if video is not None else None
            prepared.rows_of(REPLAY_VIDEO).append(PreparedSegment(segment, one.item.type, data))


def _open(noted: Sequence[ReceivedItem], prepared: PreparedBatch) -> list[_Opened]:
    opened: list[_Opened] = []
    for item, context in noted:
        try:
            parts = replay_video.split_replay_video(item.payload)
            told = scrubbed.replay_event_of(parts.event, context)
        except RequestRefused as refused:
            prepared.refuse(context, item.type, refused)
        else:
            opened.append(_Opened(item, context, parts, told))
    return opened


def _read_video(data: memoryview | None) -> tuple[StoredVideo | None, str | None]:
    """Read where the frames lie; a video that cannot be played is kept all the same, and marked."""
    if data is None:
        return None, "the segment came without a video"
    try:
        video = mp4.read_video(data)
    except RequestRefused as refused:
        return StoredVideo(len(data), None, None, 0, 0, None, None, str(refused)), None
    is_playable = video.fault is None
    return (
        StoredVideo(
            object_bytes=len(data),
            width_px=video.width,
            height_px=video.height,
            frames=len(video.samples),
            duration_ms=video.duration_ms,
            codec=video.codec,
            layout=video_layout.pack_layout(video) if is_playable else None,
            fault=video.fault,
        ),
        None,
    )


def _extent_ms(
    event: ReplayEvent, events: Recorded, video: StoredVideo | None, context: EnvelopeContext
) -> tuple[int, int]:
    """Place a segment on the phone's clock.

    It covers what the SDK declares; frames are due by their own times, whatever that says.
    """
    declared = events.summary.video
    found = recording.find_segment_extent_ms(
        declared, started_ms=event.started_ms, ended_ms=event.ended_ms
    )
    if found is None:
        if event.ended_ms is None and video is None and not events.summary.events:
            raise MalformedInput("nothing in the segment says when it was")
        at_ms = event.ended_ms or units.ms_from_at(context.sent_at)
        found = (at_ms, at_ms)
    start_ms, end_ms = found
    is_declared = declared is not None and bool(declared.duration_ms)
    if not is_declared and video is not None and video.layout is not None:
        end_ms = start_ms + video.duration_ms
    return start_ms, end_ms


REPLAY_VIDEO: Final = ItemType(
    name="replay_video",
    categories=("replay",),
    limit_bytes=LIMITS.replay_video_bytes,
    scrubbing=PayloadKind.REPLAY_EVENT,
    prepare=prepare_replay_videos,
    store=store_segments,
    is_in_object_storage=True,
)
