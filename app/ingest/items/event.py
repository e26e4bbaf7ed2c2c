"""An `event` item: an error or a message of an app or a backend."""

from collections.abc import Sequence

from app.core.errors import RequestRefused
from app.ingest.items import event_text, facts
from app.ingest.items.event_text import Sent
from app.ingest.prepared import Context, Noted, Prepared
from app.issues.model import NewEvent


def prepare_all(noted: Sequence[Noted], prepared: Prepared) -> None:
    """Turn items into events to be stored; what is refused is counted."""
    found = event_text.read_all([(item.payload, context) for item, context in noted])
    for (item, context), sent in zip(noted, found, strict=True):
        if isinstance(sent, RequestRefused):
            prepared.refuse(context, item.type, sent)
        else:
            prepared.events.append(_event(sent, context))


def _event(sent: Sent, context: Context) -> NewEvent:
    read, problem = sent.read, sent.problem
    at = context.moment_of(read.at)
    return NewEvent(
        project_id=context.project_id,
        event_id=read.event_id,
        received_at=context.received_at,
        at=at,
        drift_ms=context.drift_of(at),
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
        parent_span_id=read.parent_span_id,
        replay_id=read.replay_id,
        payload=sent.packed,
        issue_ids=sent.issue_ids,
    )
