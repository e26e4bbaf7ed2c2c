"""A `user_report` item: feedback in the form of older SDKs."""

from typing import Final

from app.core.limits import LIMITS
from app.formats import feedback
from app.formats.wire.envelope import EnvelopeItem
from app.ingest.items.context import EnvelopeContext
from app.ingest.items.feedback import feedback_row, scrub_feedback, store_feedback
from app.ingest.items.item_type import ItemType, PreparedBatch, one_by_one
from app.scrub.places import PayloadKind


def prepare_user_report(
    item: EnvelopeItem, context: EnvelopeContext, prepared: PreparedBatch
) -> None:
    """Turn one item of the older form into feedback to be stored.

    Raises:
        MalformedInput: It is not a JSON object, or has no comments.
        OversizedInput: It is over a limit.
    """
    USER_REPORT.check_size(item)
    converted = memoryview(feedback.convert_user_report(item.payload, context.header))
    clean = scrub_feedback(converted, context, item_type=item.type)
    read = feedback.read_feedback(clean, context.header)
    prepared.rows_of(USER_REPORT).append(feedback_row(read, context, item_type=item.type))


USER_REPORT: Final = ItemType(
    name="user_report",
    categories=("user_report",),
    limit_bytes=LIMITS.event_bytes,
    scrubbing=PayloadKind.EVENT,
    prepare=one_by_one(prepare_user_report),
    store=store_feedback,
)
