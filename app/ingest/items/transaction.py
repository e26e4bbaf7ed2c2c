"""A `transaction` item: a root span and the spans below it."""

from collections.abc import Sequence
from typing import Final

from app.core.errors import RequestRefused
from app.core.limits import LIMITS
from app.formats.jsonish import JsonObject
from app.formats.spans import transaction
from app.formats.wire.envelope import EnvelopeItem
from app.ingest.items import scrubbing
from app.ingest.items.context import EnvelopeContext, ReceivedItem
from app.ingest.items.item_type import (
    ItemType,
    PreparedBatch,
    StoredRows,
    StoreTransaction,
    count_rows,
)
from app.ingest.items.spans import blocks, quick_transaction
from app.projects.model import Outcome
from app.scrub.places import PayloadKind
from app.traces import writes as trace_writes
from app.traces.model import NewTransaction


def prepare_transactions(received: Sequence[ReceivedItem], prepared: PreparedBatch) -> None:
    """Turn items into transactions to be stored.

    Items that are refused are counted, and so are spans that cannot be read.
    """
    quickly_read = quick_transaction.try_read_transactions(received)
    for (item, context), quick in zip(received, quickly_read, strict=True):
        try:
            row = quick or transaction_row(item, context, prepared)
        except RequestRefused as refused:
            prepared.refuse(context, item.type, refused)
        else:
            prepared.rows_of(TRANSACTION).append(row)


def transaction_row(
    item: EnvelopeItem, context: EnvelopeContext, prepared: PreparedBatch
) -> NewTransaction:
    """Make the row of a transaction by decoding all of it and reading it span by span.

    Raises:
        MalformedInput: It is not a JSON object.
        OversizedInput: It is over a limit.
    """
    TRANSACTION.check_size(item)
    clean = scrub_transaction(item, context)
    read = transaction.read_transaction(clean, context.header, sent_at=context.sent_at)
    if read.skipped:
        prepared.count(context, "span", Outcome.REFUSED, "malformed", quantity=read.skipped)
    return blocks.lay_out_transaction(read, context)


def scrub_transaction(item: EnvelopeItem, context: EnvelopeContext) -> JsonObject:
    """Decode a transaction, and return it without secrets.

    Raises:
        MalformedInput: It is not a JSON object.
        OversizedInput: It is over a limit of JSON.
    """
    return scrubbing.decode_and_scrub(
        item.payload, context, kind=PayloadKind.TRANSACTION, what="transaction"
    )


async def store_transactions(
    transaction: StoreTransaction, rows: Sequence[NewTransaction]
) -> StoredRows:
    """Store the blocks of transactions with their roots, and for those that are new the others."""
    roots = [row.block for row in rows]
    added = await trace_writes.add_blocks(transaction.connection, roots, transaction.days)
    others = [
        block
        for row in rows
        if (row.block.project_id, row.block.block_id) in added
        for block in row.others
    ]
    added_others = await trace_writes.add_blocks(transaction.connection, others, transaction.days)
    storage = blocks.sum_block_storage(
        [*roots, *others], transaction.days.today, added | added_others
    )
    keyed = [(TRANSACTION.name, (root.project_id, root.block_id), 1) for root in roots]
    return StoredRows(count_rows(keyed, added), storage)


TRANSACTION: Final = ItemType(
    name="transaction",
    categories=("transaction",),
    limit_bytes=LIMITS.event_bytes,
    scrubbing=PayloadKind.TRANSACTION,
    prepare=prepare_transactions,
    store=store_transactions,
)
