"""A `span` item: one span alone, or a container of streamed spans."""

from collections.abc import Sequence
from typing import Final

from app.core.limits import LIMITS
from app.formats.jsonish import JsonObject
from app.formats.spans import span
from app.formats.spans.span import SpanContainer
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
from app.ingest.items.spans import blocks
from app.projects.model import Outcome
from app.scrub.places import PayloadKind
from app.traces import writes as trace_writes
from app.traces.model import NewBlock

_CONTAINER: Final = "application/vnd.sentry.items.span.v2+json"


def prepare_span(item: EnvelopeItem, context: EnvelopeContext, prepared: PreparedBatch) -> None:
    """Turn one item into blocks of spans to be stored; count each span that is not.

    Raises:
        MalformedInput: It is not a JSON object, or is a lone span that cannot be read.
        OversizedInput: It is over a limit.
    """
    container = read_spans(item, context)
    if container.skipped:
        prepared.count(context, SPAN.name, Outcome.REFUSED, "malformed", quantity=container.skipped)
    rows = blocks.lay_out_spans(container.spans, context)
    repeated = len(container.spans) - sum(block.spans for block in rows)
    if repeated:
        prepared.count(context, SPAN.name, Outcome.DUPLICATE, quantity=repeated)
    prepared.rows_of(SPAN).extend(rows)


def read_spans(item: EnvelopeItem, context: EnvelopeContext) -> SpanContainer:
    """Read the spans of an item without secrets.

    Raises:
        MalformedInput: It is not a JSON object, or is a lone span that cannot be read.
        OversizedInput: It is over a limit.
    """
    if _is_container(item):
        SPAN.check_size(item)
        return span.read_span_container(
            scrub_spans(item, context, what="span container"), context.header
        )
    span.check_span_size(item.payload)
    lone_span = span.read_lone_span(scrub_spans(item, context, what="span"), context.header)
    return SpanContainer((lone_span,), skipped=0)


def scrub_spans(item: EnvelopeItem, context: EnvelopeContext, *, what: str) -> JsonObject:
    """Decode an item, and return it without secrets.

    Raises:
        MalformedInput: It is not a JSON object.
        OversizedInput: It is over a limit of JSON.
    """
    return scrubbing.decode_and_scrub(item.payload, context, kind=PayloadKind.SPAN, what=what)


def _is_container(item: EnvelopeItem) -> bool:
    """Recognise a container by its content type, or by its header's count of members."""
    content_type = (item.content_type or "").partition(";")[0].strip().lower()
    return content_type == _CONTAINER or item.item_count is not None


async def store_spans(transaction: StoreTransaction, rows: Sequence[NewBlock]) -> StoredRows:
    """Store blocks of spans. The spans of one block are either all new or all duplicates."""
    added = await trace_writes.add_blocks(transaction.connection, rows, transaction.days)
    keyed = [(SPAN.name, (block.project_id, block.block_id), block.spans) for block in rows]
    storage = blocks.sum_block_storage(rows, transaction.days.today, added)
    return StoredRows(count_rows(keyed, added), storage)


SPAN: Final = ItemType(
    name="span",
    categories=("span",),
    limit_bytes=LIMITS.span_container_bytes,
    scrubbing=PayloadKind.SPAN,
    prepare=one_by_one(prepare_span),
    store=store_spans,
    is_container=True,
)
