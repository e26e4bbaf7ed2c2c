"""A `replay_video` item: one segment of a mobile replay with its video, events and facts."""

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
from app.ingest.items.context import EnvelopeContext, ReceivedItem
from app.ingest.items.item_type import ItemType, PreparedBatch
from app.ingest.items.segments import (
    quick_recording,
    quick_replay_event,
    scrubbed_recording,
    scrubbed_replay_event,
)
from app.ingest.items.segments.pack import PreparedSegment
from app.ingest.items.segments.scrubbed_recording import ScrubbedRecording
from app.ingest.items.segments.scrubbed_replay_event import ScrubbedReplayEvent
from app.ingest.items.segments.segment import segment_row, store_segments
from app.replays.model import StoredVideo
from app.scrub.places import PayloadKind


class _DecodedReplayVideo(msgspec.Struct, frozen=True, gc=False):
    """An item that is split into its parts, and its event without secrets."""

    item: EnvelopeItem
    context: EnvelopeContext
    parts: ReplayVideoParts
    replay_event: ScrubbedReplayEvent


def prepare_replay_videos(received: Sequence[ReceivedItem], prepared: PreparedBatch) -> None:
    """Turn items into segments to be stored, all items stage by stage.

    A segment with a broken video or recording is stored without it, and marked. An item that cannot
    be a segment is refused.
    """
    decoded = decode_replay_videos(received, prepared)
    recordings = _read_recordings(decoded)
    videos = [read_video(each.parts.video) for each in decoded]
    for each, recorded, (video, no_video_reason) in zip(decoded, recordings, videos, strict=True):
        try:
            extent_ms = _find_extent_ms(each.replay_event.event, recorded, video, each.context)
            row = segment_row(
                each.replay_event,
                recorded,
                video,
                each.context,
                extent_ms,
                no_video_reason=no_video_reason,
            )
        except RequestRefused as refused:
            prepared.refuse(each.context, each.item.type, refused)
        else:
            video_bytes = each.parts.video if video is not None else None
            prepared.rows_of(REPLAY_VIDEO).append(PreparedSegment(row, each.item.type, video_bytes))


def decode_replay_videos(
    received: Sequence[ReceivedItem], prepared: PreparedBatch
) -> list[_DecodedReplayVideo]:
    """Split items into their parts, and read their events; refuse those of which this fails."""
    decoded: list[_DecodedReplayVideo] = []
    for item, context in received:
        try:
            parts = replay_video.split_replay_video(item.payload)
            event_json = bytes(parts.event)
            replay_event = quick_replay_event.try_read_replay_event(
                event_json, context
            ) or scrubbed_replay_event.read_replay_event(event_json, context)
        except RequestRefused as refused:
            prepared.refuse(context, item.type, refused)
        else:
            decoded.append(_DecodedReplayVideo(item, context, parts, replay_event))
    return decoded


def _read_recordings(decoded: Sequence[_DecodedReplayVideo]) -> list[ScrubbedRecording]:
    payloads = [each.parts.recording for each in decoded]
    contexts = [each.context for each in decoded]
    return [
        quick
        or scrubbed_recording.read_recording(
            each.parts.recording, each.context, screens=each.replay_event.event.screens
        )
        for quick, each in zip(
            quick_recording.try_read_recordings(payloads, contexts), decoded, strict=True
        )
    ]


def read_video(data: memoryview | None) -> tuple[StoredVideo | None, str | None]:
    """Read where the frames of a video lie.

    Returns:
        The video, with a fault if it cannot be played; or None and the reason why there is none.
    """
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


def _find_extent_ms(
    event: ReplayEvent,
    recorded: ScrubbedRecording,
    video: StoredVideo | None,
    context: EnvelopeContext,
) -> tuple[int, int]:
    """Find when a segment begins and ends, on the phone's clock.

    It lasts as long as the SDK declares. Frames are shown by their own times, whatever it declares.

    Raises:
        MalformedInput: Nothing in the segment has a time.
    """
    declared = recorded.summary.video
    extent_ms = recording.find_segment_extent_ms(
        declared, started_ms=event.started_ms, ended_ms=event.ended_ms
    )
    if extent_ms is None:
        if event.ended_ms is None and video is None and not recorded.summary.events:
            raise MalformedInput("nothing in the segment says when it was")
        at_ms = event.ended_ms or units.ms_from_at(context.sent_at)
        extent_ms = (at_ms, at_ms)
    start_ms, end_ms = extent_ms
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
