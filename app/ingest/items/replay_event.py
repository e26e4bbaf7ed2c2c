"""A `replay_event` item: with the `replay_recording` beside it, one segment of a browser's replay.

Such segments are stored and listed, and their events are shown; the page itself is not played.
"""

import itertools
from collections.abc import Sequence
from typing import Final

from app.core import units
from app.core.errors import RequestRefused
from app.core.limits import LIMITS
from app.formats.replay import recording, replay_event
from app.formats.replay.replay_event import ReplayEvent
from app.formats.wire.envelope import EnvelopeItem
from app.ingest.items.context import EnvelopeContext, ReceivedItem
from app.ingest.items.item_type import ItemType, PreparedBatch
from app.ingest.items.segments import (
    quick_recording,
    quick_replay_event,
    scrubbed_recording,
    scrubbed_replay_event,
    stored_facts,
)
from app.ingest.items.segments.pack import PreparedSegment
from app.ingest.items.segments.scrubbed_recording import ScrubbedRecording
from app.ingest.items.segments.scrubbed_replay_event import ScrubbedReplayEvent
from app.ingest.items.segments.segment import segment_row, store_segments
from app.projects.model import Outcome
from app.scrub.places import PayloadKind


def prepare_web_segments(received: Sequence[ReceivedItem], prepared: PreparedBatch) -> None:
    """Turn the events and recordings of browsers into segments to be stored."""
    # The items of one envelope follow one another and share one context.
    for _, items_of_envelope in itertools.groupby(received, lambda pair: id(pair[1])):
        pairs = list(items_of_envelope)
        _prepare_envelope([item for item, _ in pairs], pairs[0][1], prepared)


def _prepare_envelope(
    items: Sequence[EnvelopeItem], context: EnvelopeContext, prepared: PreparedBatch
) -> None:
    """Join the event and the recording of one envelope into a segment.

    The outcome of the recording is that of its event. A recording alone becomes a segment without
    facts if it and its envelope name the segment; the other segments of the replay have the facts.
    """
    event_item = next((item for item in items if item.type == REPLAY_EVENT.name), None)
    recording_item = next((item for item in items if item.type != REPLAY_EVENT.name), None)
    if event_item is not None:
        try:
            event = read_web_event(event_item, context)
            row = web_segment_row(event, recording_item, context, item_type=event_item.type)
            prepared.rows_of(REPLAY_EVENT).append(row)
        except RequestRefused as refused:
            prepared.refuse(context, event_item.type, refused)
    elif recording_item is not None:
        _prepare_recording_alone(recording_item, context, prepared)
    for further in items:
        if further is not event_item and further is not recording_item:
            prepared.count(context, further.type, Outcome.REFUSED, "second_in_envelope")


def _prepare_recording_alone(
    recording_item: EnvelopeItem, context: EnvelopeContext, prepared: PreparedBatch
) -> None:
    """Keep a recording whose event was sent in another envelope, or lost."""
    try:
        segment_id = recording.read_recording(recording_item.payload).segment_id
        members = {"replay_id": context.header.event_id, "segment_id": segment_id}
        event = replay_event.read_replay_event(members, context.header)
        scrubbed = ScrubbedReplayEvent(event, stored_facts.write_facts(event.facts))
        row = web_segment_row(scrubbed, recording_item, context, item_type=recording_item.type)
        prepared.rows_of(REPLAY_EVENT).append(row)
    except RequestRefused:
        prepared.count(context, recording_item.type, Outcome.REFUSED, "no_replay_event")


def read_web_event(item: EnvelopeItem, context: EnvelopeContext) -> ScrubbedReplayEvent:
    """Read an event without secrets.

    Raises:
        MalformedInput: It is not a JSON object, or names no replay and segment.
        OversizedInput: It is over a limit.
    """
    data = bytes(item.payload)
    return quick_replay_event.try_read_replay_event(
        data, context
    ) or scrubbed_replay_event.read_replay_event(data, context)


def web_segment_row(
    event: ScrubbedReplayEvent,
    recording_item: EnvelopeItem | None,
    context: EnvelopeContext,
    *,
    item_type: str,
) -> PreparedSegment:
    """Make the row of a browser's segment."""
    data = recording_item.payload if recording_item else None
    (quick,) = quick_recording.try_read_recordings([data], [context])
    recorded = quick or scrubbed_recording.read_recording(
        data, context, screens=event.event.screens
    )
    row = segment_row(
        event,
        recorded,
        None,
        context,
        _find_extent_ms(event.event, recorded, context),
        no_video_reason="a browser's replay has no video",
    )
    return PreparedSegment(row, item_type, None)


def _find_extent_ms(
    event: ReplayEvent, recorded: ScrubbedRecording, context: EnvelopeContext
) -> tuple[int, int]:
    """Place a segment by its recording, because its event has the start of the whole replay."""
    summary = recorded.summary
    end_ms = event.ended_ms or summary.last_ms or units.ms_from_at(context.sent_at)
    return min(summary.first_ms or end_ms, end_ms), end_ms


REPLAY_EVENT: Final = ItemType(
    name="replay_event",
    categories=("replay",),
    limit_bytes=LIMITS.event_bytes,
    scrubbing=PayloadKind.REPLAY_EVENT,
    prepare=prepare_web_segments,
    store=store_segments,
    is_in_object_storage=True,
)
