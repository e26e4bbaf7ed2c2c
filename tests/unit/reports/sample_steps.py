"""Reads the recorded traffic of an SDK family as the sources of steps."""

from dataclasses import asdict
from functools import cache

from app.core import units
from app.formats.replay import recording, replay_event
from app.formats.replay.activity import Breadcrumb
from app.formats.stored import packed_json
from app.playback.recording import gestures, merging, recorded_segments
from app.replays.model import Segment
from app.reports.steps.derive import StepSources, find_platform
from tests.support.recorded import contents


@cache
def read_sources(family: str) -> StepSources:
    """Read the recordings of a family as the page of its replay does, without its errors."""
    events, segments = [], []
    for request in contents.requests(family):
        recorded = zip(
            contents.replay_events_of(request), contents.recordings_of(request), strict=True
        )
        for raw_event, raw_recording in recorded:
            event = replay_event.read_replay_event(replay_event.decode_replay_event(raw_event))
            events.append(event)
            segments.append(_make_segment(event, raw_recording))
    segments.sort(key=lambda segment: segment.segment_id)
    first = min(events, key=lambda event: event.segment_id)
    zero_ms = min(units.ms_from_at(segment.started_at) for segment in segments)
    read = recorded_segments.read_recordings(segments)
    activities = [each.activity for each in read]
    return StepSources(
        breadcrumbs=merging.merge_breadcrumbs(each.breadcrumbs for each in activities),
        zero_ms=zero_ms,
        platform=find_platform(asdict(first.facts)),
        gestures=gestures.read_gestures(read, zero_ms=zero_ms),
        spans=merging.merge_spans(each.spans for each in activities),
        is_from_start=first.replay_type == "session",
    )


def make_crumb(
    category: str, at_ms: int = 0, message: str | None = None, **data: object
) -> Breadcrumb:
    """Make a breadcrumb of a recording that begins at 0; `view__id` stands for `view.id`."""
    names = {name.replace("__", "."): value for name, value in data.items()}
    return Breadcrumb(at_ms, category, message, None, names)


def _make_segment(event: replay_event.ReplayEvent, raw_recording: bytes) -> Segment:
    started_ms, ended_ms = event.started_ms, event.ended_ms
    assert started_ms is not None
    assert ended_ms is not None
    return Segment(
        segment_id=event.segment_id,
        received_at=units.at_from_ms(ended_ms),
        started_at=units.at_from_ms(started_ms),
        ended_at=units.at_from_ms(ended_ms),
        replay_type=event.replay_type,
        sdk_name=event.facts.sdk_name,
        width_px=None,
        height_px=None,
        frames=0,
        codec=None,
        video_fault=None,
        object_key=None,
        object_offset=0,
        object_bytes=0,
        layout=None,
        screens=(),
        recording=packed_json.pack_json(recording.read_recording(raw_recording).events),
    )
