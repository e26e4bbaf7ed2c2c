"""An `event` item: an error or a message of an app or a backend."""

from app.errors.model import NewEvent
from app.formats.envelope import Item
from app.formats.packed import pack_text
from app.ingest.items import event_text, facts
from app.ingest.prepared import Context, Prepared


def prepare(item: Item, context: Context, prepared: Prepared) -> None:
    """Turn one item into an event to be stored.

    Raises:
        Malformed: It is no JSON object.
        TooLarge: It is over a limit.
    """
    sent = event_text.read(bytes(item.payload), context)
    read, problem = sent.read, sent.problem
    prepared.events.append(
        NewEvent(
            project_id=context.project_id,
            event_id=read.event_id,
            received_at=context.received_at,
            at=read.at or context.received_at,
            drift_ms=context.drift_ms,
            level=problem.level,
            kind=problem.kind,
            title=problem.title,
            culprit=problem.culprit,
            exception_type=problem.exception_type,
            exception_value=problem.exception_value,
            handled=problem.handled,
            mechanism=problem.mechanism,
            platform=read.platform,
            release=read.release,
            environment=read.environment,
            sdk_name=read.sdk_name,
            user=facts.of_user(read.user),
            trace_id=read.trace_id,
            span_id=read.span_id,
            replay_id=read.replay_id,
            payload=pack_text(sent.text),
            issue_ids=sent.issue_ids,
        )
    )
