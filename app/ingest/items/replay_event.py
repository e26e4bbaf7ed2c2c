"""A `replay_event` item: with the `replay_recording` beside it, one segment of a browser's replay.

Such segments are stored and listed, and their events shown; the page itself is not played.
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
from app.ingest.items import scrubbed
from app.ingest.items.context import EnvelopeContext, ReceivedItem
from app.ingest.items.item_type import ItemType, PreparedBatch
from app.ingest.items.scrubbed import Told
from app.ingest.items.segments import facts, recorded
from app.ingest.items.segments.pack import PreparedSegment
from app.ingest.items.segments.recorded import Recorded
from app.ingest.items.segments.segment import make_segment, store_segments
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

    The recording's outcome is that of its event. Alone it is a segment without facts, if it and its
    envelope tell which; other segments have the facts.
    """
    event = next((item for item in items if item.type == REPLAY_EVENT.name), None)
    tape = next((item for item in items if item.type != REPLAY_EVENT.name), None)
    if event is not None:
        try:
            told = scrubbed.replay_event_of(event.payload, context)
            segment = _make_web_segment(told, tape, context, item_type=event.type)
            prepared.rows_of(REPLAY_EVENT).append(segment)
        except RequestRefused as refused:
            prepared.refuse(context, event.type, refused)
    elif tape is not None:
        _prepare_recording_alone(tape, context, prepared)
    for further in items:
        if further is not event and further is not tape:
            prepared.count(context, further.type, Outcome.REFUSED, "second_in_envelope")


def _prepare_recording_alone(
    tape: EnvelopeItem, context: EnvelopeContext, prepared: PreparedBatch
) -> None:
    """Keep a recording whose event went another way."""
    try:
        segment_id = recording.read_recording(tape.payload).segment_id
        made = {"replay_id": context.header.event_id, "segment_id": segment_id}
        event = replay_event.read_replay_event(made, context.header)
        told = Told(event, facts.of_segment(event.facts))
        segment = _make_web_segment(told, tape, context, item_type=tape.type)
        prepared.rows_of(REPLAY_EVENT).append(segment)
    except RequestRefused:
        prepared.count(context, tape.type, Outcome.REFUSED, "no_replay_event")


def _make_web_segment(
    told: Told, tape: EnvelopeItem | None, context: EnvelopeContext, *, item_type: str
) -> PreparedSegment:
    events = recorded.read(tape.payload if tape else None, context)
    segment = make_segment(
        told,
        events,
        None,
        context,
        _extent_ms(told.event, events, context),
        no_video_reason="a browser's replay has no video",
    )
    return PreparedSegment(segment, item_type, None)


def _extent_ms(event: ReplayEvent, events: Recorded, context: EnvelopeContext) -> tuple[int, int]:
    """Place a segment by its events: the event's start is that of the whole replay."""
    seen = events.summary
    end_ms = event.ended_ms or seen.last_ms or units.ms_from_at(context.sent_at)
    return min(seen.first_ms or end_ms, end_ms), end_ms


REPLAY_EVENT: Final = ItemType(
    name="replay_event",
    categories=("replay",),
    limit_bytes=LIMITS.event_bytes,
    scrubbing=PayloadKind.REPLAY_EVENT,
    prepare=prepare_web_segments,
    store=store_segments,
    is_in_object_storage=True,
)
