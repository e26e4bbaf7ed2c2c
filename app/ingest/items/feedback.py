"""A `feedback` item: what a person wrote about the app."""

from collections.abc import Sequence
from typing import Final

from app.core.limits import LIMITS
from app.feedback import writes as feedback_writes
from app.feedback.model import NewFeedback
from app.formats import feedback
from app.formats.wire.envelope import EnvelopeItem
from app.ingest.items import scrubbing
from app.ingest.items.context import EnvelopeContext
from app.ingest.items.item_type import (
    ItemType,
    PreparedBatch,
    StoredRows,
    StoreTransaction,
    count_rows,
    one_by_one,
)
from app.scrub.places import PayloadKind


def prepare_feedback(item: EnvelopeItem, context: EnvelopeContext, prepared: PreparedBatch) -> None:
    """Turn one item into feedback to be stored.

    Raises:
        MalformedInput: It is not a JSON object, or has no message.
        OversizedInput: It is over a limit.
    """
    FEEDBACK.check_size(item)
    clean = scrub_feedback(item.payload, context, item_type=item.type)
    read = feedback.read_feedback(clean, context.header)
    prepared.rows_of(FEEDBACK).append(feedback_row(read, context, item_type=item.type))


def scrub_feedback(
    data: memoryview, context: EnvelopeContext, *, item_type: str
) -> bytes | memoryview:
    """Return the JSON of feedback without secrets.

    Raises:
        MalformedInput: It is not JSON.
        OversizedInput: It is over a limit of JSON.
    """
    return scrubbing.scrub_payload(data, context, kind=PayloadKind.EVENT, what=item_type)


def feedback_row(
    read: feedback.FeedbackPayload, context: EnvelopeContext, *, item_type: str
) -> NewFeedback:
    """Make the row of feedback."""
    at = context.moment_of(read.at)
    return NewFeedback(
        project_id=context.project_id,
        event_id=read.event_id,
        item_type=item_type,
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


async def store_feedback(transaction: StoreTransaction, rows: Sequence[NewFeedback]) -> StoredRows:
    """Store feedback that is not stored yet, also that of `user_report` items."""
    added = await feedback_writes.add_feedback(transaction.connection, rows)
    keyed = [(row.item_type, (row.project_id, row.event_id), 1) for row in rows]
    return StoredRows(count_rows(keyed, added))


FEEDBACK: Final = ItemType(
    name="feedback",
    categories=("feedback",),
    limit_bytes=LIMITS.event_bytes,
    scrubbing=PayloadKind.EVENT,
    prepare=one_by_one(prepare_feedback),
    store=store_feedback,
)
