"""A `feedback` or `user_report` item: what a person wrote about the app."""

from app.feedback.model import NewFeedback
from app.formats import feedback
from app.formats.wire.envelope import EnvelopeItem
from app.ingest.items import scrubbed
from app.ingest.prepared import Context, Prepared
from app.scrub.places import PayloadKind


def prepare(item: EnvelopeItem, context: Context, prepared: Prepared) -> None:
    """Turn one item into feedback to be stored.

    Raises:
        MalformedInput: It is no JSON object, or has no message.
        OversizedInput: It is over a limit.
    """
    _prepare(item.payload, item, context, prepared)


def prepare_report(item: EnvelopeItem, context: Context, prepared: Prepared) -> None:
    """Turn one item of the older form into feedback to be stored.

    Raises:
        MalformedInput: It is no JSON object, or has no comments.
        OversizedInput: It is over a limit.
    """
    data = feedback.convert_user_report(item.payload, context.header)
    _prepare(memoryview(data), item, context, prepared)


def _prepare(data: memoryview, item: EnvelopeItem, context: Context, prepared: Prepared) -> None:
    clean = scrubbed.payload(data, context, kind=PayloadKind.EVENT, what=item.type)
    read = feedback.read_feedback(clean, context.header)
    at = context.moment_of(read.at)
    prepared.feedback.append(
        NewFeedback(
            project_id=context.project_id,
            event_id=read.event_id,
            item_type=item.type,
            received_at=context.received_at,
            at=at,
            drift_ms=context.drift_of(at),
            message=read.message,
            name=read.name,
            email=read.email,
            url=read.url,
            associated_event_id=read.associated_event_id,
            replay_id=read.replay_id,
            trace_id=read.trace_id,
            platform=read.platform,
            release=read.release,
            environment=read.environment,
        )
    )
