"""An `event` item: an error or a message of an app or a backend."""

from app.errors import grouping
from app.errors.model import NewEvent
from app.formats import event
from app.formats.envelope import Item
from app.formats.packed import pack_json
from app.ingest.items import facts, scrubbed
from app.ingest.prepared import Context, Prepared
from app.scrub.places import Kind


def prepare(item: Item, context: Context, prepared: Prepared) -> None:
    """Turn one item into an event to be stored.

    Raises:
        Malformed: It is no JSON object.
        TooLarge: It is over a limit.
    """
    data = scrubbed.payload(item.payload, context, kind=Kind.EVENT, what="event")
    read = event.read(data, context.header)
    prepared.events.append(
        NewEvent(
            project_id=context.project_id,
            event_id=read.event_id,
            received_at=context.received_at,
            at=read.at or context.received_at,
            drift_ms=context.drift_ms,
            level=read.level,
            kind=read.kind,
            title=read.title,
            culprit=read.culprit,
            exception_type=read.exception_type,
            exception_value=read.exception_value,
            handled=read.handled,
            mechanism=read.mechanism,
            platform=read.platform,
            release=read.release,
            environment=read.environment,
            sdk_name=read.sdk_name,
            user=facts.of_user(read.user),
            trace_id=read.trace_id,
            span_id=read.span_id,
            replay_id=read.replay_id,
            payload=pack_json(read.raw),
            issue_ids=grouping.keys(read.raw),
        )
    )
