"""An `event` item: an error or a message of an app or a backend."""

from collections.abc import Sequence
from typing import Final

from app.core.errors import RequestRefused
from app.core.limits import LIMITS
from app.ingest.items.context import EnvelopeContext, ReceivedItem
from app.ingest.items.events import event_text
from app.ingest.items.events.event_text import Sent
from app.ingest.items.item_type import (
    ItemType,
    PreparedBatch,
    StoredRows,
    StoreTransaction,
    count_rows,
)
from app.ingest.items.segments import facts
from app.issues import writes as event_writes
from app.issues.model import NewEvent
from app.scrub.places import PayloadKind


def prepare_events(noted: Sequence[ReceivedItem], prepared: PreparedBatch) -> None:
    """Turn items into events to be stored; what is refused is counted."""
    found = event_text.read_all([(item.payload, context) for item, context in noted])
    for (item, context), sent in zip(noted, found, strict=True):
        if isinstance(sent, RequestRefused):
            prepared.refuse(context, item.type, sent)
        else:
            prepared.rows_of(EVENT).append(_event(sent, context))


def _event(sent: Sent, context: EnvelopeContext) -> NewEvent:
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


async def store_events(transaction: StoreTransaction, rows: Sequence[NewEvent]) -> StoredRows:
    """Store events that are not there yet, and put them into issues."""
    added = await event_writes.add_events(transaction.connection, rows)
    keyed = [(EVENT.name, (row.project_id, row.event_id), 1) for row in rows]
    return StoredRows(count_rows(keyed, added), added_events=added)


EVENT: Final = ItemType(
    name="event",
    categories=("error",),
    limit_bytes=LIMITS.event_bytes,
    scrubbing=PayloadKind.EVENT,
    prepare=prepare_events,
    store=store_events,
)
