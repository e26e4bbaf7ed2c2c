"""A `span` item: one span alone, or a container of streamed spans."""

from collections.abc import Sequence
from typing import Final

from app.core.limits import LIMITS
from app.formats.spans import span
from app.formats.wire.envelope import EnvelopeItem
from app.ingest.items import scrubbed
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
    """Turn one item into spans to be stored; each span is counted.

    Raises:
        MalformedInput: It is no JSON object, or a span alone cannot be read.
        OversizedInput: It is over a limit.
    """
    if _is_container(item):
        SPAN.check_size(item)
        raw = scrubbed.value(item.payload, context, kind=PayloadKind.SPAN, what="span container")
        container = span.read_span_container(raw, context.header)
        if container.skipped:
            prepared.count(
                context, SPAN.name, Outcome.REFUSED, "malformed", quantity=container.skipped
            )
        spans = container.spans
    else:
        span.check_span_size(item.payload)
        raw = scrubbed.value(item.payload, context, kind=PayloadKind.SPAN, what="span")
        spans = (span.read_lone_span(raw, context.header),)
    new = blocks.of_spans(spans, context)
    repeated = len(spans) - sum(block.spans for block in new)
    if repeated:
        prepared.count(context, SPAN.name, Outcome.DUPLICATE, quantity=repeated)
    prepared.rows_of(SPAN).extend(new)


def _is_container(item: EnvelopeItem) -> bool:
    """Tell a container by its type, with or without parameters, or by its count of members."""
    content_type = (item.content_type or "").partition(";")[0].strip().lower()
    return content_type == _CONTAINER or item.item_count is not None


async def store_spans(transaction: StoreTransaction, blocks: Sequence[NewBlock]) -> StoredRows:
    """Store blocks of spans; the spans of a block are new, or duplicates, together."""
    added = await trace_writes.add_blocks(transaction.connection, blocks)
    keyed = [(SPAN.name, (block.project_id, block.block_id), block.spans) for block in blocks]
    return StoredRows(count_rows(keyed, added))


SPAN: Final = ItemType(
    name="span",
    categories=("span",),
    limit_bytes=LIMITS.span_container_bytes,
    scrubbing=PayloadKind.SPAN,
    prepare=one_by_one(prepare_span),
    store=store_spans,
    is_container=True,
)
