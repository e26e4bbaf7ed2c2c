"""`replay_event` and `replay_recording` items: one segment of a browser's replay.

They are stored and listed, their events shown; the page itself is not played.
"""

from collections.abc import Sequence

import msgspec

from app.core import units
from app.core.errors import RequestRefused
from app.formats.replay import recording, replay_event
from app.formats.replay.replay_event import ReplayEvent
from app.formats.wire.envelope import EnvelopeItem
from app.ingest.items import facts, recorded, scrubbed
from app.ingest.items.recorded import Recorded
from app.ingest.items.replay_video import make_segment
from app.ingest.items.scrubbed import Told
from app.ingest.prepared import Context, Prepared, SegmentWork
from app.projects.model import Outcome

_EVENT = "replay_event"
_RECORDING = "replay_recording"


def prepare(
    items: Sequence[EnvelopeItem], context: Context, prepared: Prepared
) -> list[EnvelopeItem]:
    """Join the two items of a browser segment.

    The recording's outcome is that of its event. Alone it is a segment without facts, if it and its
    envelope tell which; other segments have the facts.

    Returns:
        The other items of the envelope.
    """
    event = next((item for item in items if item.type == _EVENT), None)
    tape = next((item for item in items if item.type == _RECORDING), None)
    if event is not None:
        try:
            read = scrubbed.replay_event_of(event.payload, context)
            prepared.segments.append(_segment(read, tape, context, item_type=_EVENT))
        except RequestRefused as refused:
            prepared.refuse(context, _EVENT, refused)
    elif tape is not None:
        _prepare_alone(tape, context, prepared)
    for further in items:
        if further.type in (_EVENT, _RECORDING) and further is not event and further is not tape:
            prepared.count(context, further.type, Outcome.REFUSED, "second_in_envelope")
    return [item for item in items if item.type not in (_EVENT, _RECORDING)]


def _prepare_alone(item: EnvelopeItem, context: Context, prepared: Prepared) -> None:
    """Keep a recording whose event went another way."""
    try:
        segment_id = recording.read_recording(item.payload).segment_id
        made = {"replay_id": context.header.event_id, "segment_id": segment_id}
        event = replay_event.read(msgspec.json.encode(made), context.header)
        told = Told(event, facts.of_segment(event.about))
        prepared.segments.append(_segment(told, item, context, item_type=_RECORDING))
    except RequestRefused:
        prepared.count(context, _RECORDING, Outcome.REFUSED, "no_replay_event")


def _segment(
    told: Told, tape: EnvelopeItem | None, context: Context, *, item_type: str
) -> SegmentWork:
    events = recorded.read(tape.payload if tape else None, context)
    segment = make_segment(
        told,
        events,
        None,
        context,
        _extent_ms(told.event, events, context),
        no_video_reason="a browser's replay has no video",
    )
    return SegmentWork(segment, item_type, None)


def _extent_ms(event: ReplayEvent, events: Recorded, context: Context) -> tuple[int, int]:
    """Place a segment by its events: the event's start is that of the whole replay."""
    seen = events.summary
    end_ms = event.ended_ms or seen.last_ms or units.ms_from_at(context.sent_at)
    return min(seen.first_ms or end_ms, end_ms), end_ms
