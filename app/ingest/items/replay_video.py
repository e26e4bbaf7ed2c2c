"""A `replay_video` item: one segment of a mobile replay, video, events and facts."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from app.core import units
from app.core.errors import Limited, Malformed, Refused, TooLarge
from app.core.limits import LIMITS
from app.formats import gist, layout, mp4, recording, replay_video
from app.formats.envelope import Item
from app.formats.gist import Gist
from app.formats.jsonish import JsonObject
from app.formats.packed import pack_json, pack_text
from app.formats.replay_event import ReplayEvent
from app.ingest.items import scrubbed
from app.ingest.items.scrubbed import Told
from app.ingest.prepared import Context, Prepared, SegmentWork
from app.projects.model import LimitReason
from app.replays.model import NewSegment, ReplayKey, StoredVideo
from app.scrub import walk

_LARGEST_PX: Final = 32_767
"""What the column holds; browsers report the page, which may be taller than any screen."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """The scrubbed events of a segment, compressed, and what they say."""

    packed: bytes
    gist: Gist
    fault: str | None = None


def prepare(item: Item, context: Context, prepared: Prepared) -> None:
    """Turn one item into a segment to be stored.

    A broken video or recording costs only itself: the rest of the segment is kept and marked.

    Raises:
        Malformed: There is no replay event, or it names no replay and segment.
        TooLarge: The item, its event or its segment id is over a limit.
        Limited: The replay has all the segments it may have.
    """
    if len(item.payload) > LIMITS.replay_video_bytes:
        raise TooLarge(
            f"the item has {len(item.payload)} bytes, at most {LIMITS.replay_video_bytes} are kept"
        )
    parts = replay_video.expand(item.payload)
    told = scrubbed.replay_event_of(parts.event, context)
    recorded = read_recorded(parts.recording, context)
    video, fault = _read_video(parts.video)
    extent_ms = _extent_ms(told.event, recorded, video, context)
    segment = make_segment(told, recorded, video, context, extent_ms, no_video_reason=fault)
    prepared.segments.append(
        SegmentWork(segment, item.type, parts.video if video is not None else None)
    )


def read_recorded(data: memoryview | None, context: Context) -> Recorded:
    """Read and scrub a recording; one that cannot be read gives no events and a reason."""
    if data is None:
        return Recorded(pack_json([]), Gist(), "the segment came without a recording")
    try:
        text = recording.body_of(data)
        skimmed = gist.skim(text) if text is not None else None
        if skimmed is not None and walk.is_clean(skimmed.spoken, context.rules):
            return Recorded(pack_text(skimmed.text), skimmed.gist)
        events = recording.read(data).events
    except Refused as refused:
        return Recorded(pack_json([]), Gist(), str(refused))
    clean: list[JsonObject] = walk.scrub_recording(events, context.rules).value
    return Recorded(pack_json(clean), gist.of(clean))


def make_segment(
    told: Told,
    recorded: Recorded,
    video: StoredVideo | None,
    context: Context,
    extent_ms: tuple[int, int],
    *,
    no_video_reason: str | None,
) -> NewSegment:
    """Put a segment together from what its parts say; `extent_ms` is on the phone's clock.

    Raises:
        Limited: Segments are numbered from 0, and the replay has all it may have.
    """
    event, facts = told.event, told.facts
    if event.segment_id >= LIMITS.segments:
        raise Limited(
            f"segment {event.segment_id}: a replay has at most {LIMITS.segments}",
            reason=LimitReason.SEGMENTS,
        )
    start_ms, end_ms = extent_ms
    seen = recorded.gist
    return NewSegment(
        key=ReplayKey(context.project_id, event.replay_id),
        segment_id=event.segment_id,
        received_at=context.received_at,
        drift_ms=context.drift_ms,
        started_at=units.at_from_ms(start_ms),
        ended_at=units.at_from_ms(end_ms),
        replay_type=event.replay_type,
        is_complete=facts.is_complete,
        sdk_name=facts.sdk_name,
        facts=facts.facts,
        user=facts.user,
        screens=event.screens,
        trace_ids=event.trace_ids,
        recording=recorded.packed,
        breadcrumbs=seen.breadcrumbs,
        taps=seen.taps,
        rage_taps=seen.rage_taps,
        network_requests=seen.network_requests,
        network_failures=seen.network_failures,
        background_at=_at(seen.background_ms),
        foreground_at=_at(seen.foreground_ms),
        declared_size_px=_size_px(seen),
        video=video,
        no_video_reason=no_video_reason,
    )


def _size_px(seen: Gist) -> tuple[int, int] | None:
    """Return the declared size, unless no screen is that large."""
    return seen.size_px if seen.size_px is not None and max(seen.size_px) <= _LARGEST_PX else None


def _at(ms: int | None) -> datetime | None:
    return None if ms is None else units.at_from_ms(ms)


def _read_video(data: memoryview | None) -> tuple[StoredVideo | None, str | None]:
    """Read where the frames lie; a video that cannot be played is kept all the same, and marked."""
    if data is None:
        return None, "the segment came without a video"
    try:
        video = mp4.read(data)
    except Refused as refused:
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
            layout=layout.pack(video) if is_playable else None,
            fault=video.fault,
        ),
        None,
    )


def _extent_ms(
    event: ReplayEvent, recorded: Recorded, video: StoredVideo | None, context: Context
) -> tuple[int, int]:
    """Place a segment on the phone's clock.

    It covers what the SDK declares; frames are due by their own times, whatever that says.
    """
    declared = recorded.gist.video
    found = recording.extent_ms(declared, started_ms=event.started_ms, ended_ms=event.ended_ms)
    if found is None:
        if event.ended_ms is None and video is None and not recorded.gist.events:
            raise Malformed("nothing in the segment says when it was")
        at_ms = event.ended_ms or units.ms_from_at(context.received_at)
        found = (at_ms, at_ms)
    start_ms, end_ms = found
    is_declared = declared is not None and bool(declared.duration_ms)
    if not is_declared and video is not None and video.layout is not None:
        end_ms = start_ms + video.duration_ms
    return start_ms, end_ms
