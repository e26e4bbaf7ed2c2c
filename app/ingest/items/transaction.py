"""A `transaction` item: a root span and the spans below it.

as SDKs send it ─► scrubbed by hints ─► its spans stored as they came
otherwise ───────► scrubbed whole, read span by span ─► its spans written anew
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from app.core.errors import RequestRefused
from app.core.limits import LIMITS
from app.core.replay_window import BLOCK_START_SPREAD
from app.formats import json_members
from app.formats.events import event
from app.formats.spans import quick_transaction, transaction
from app.formats.spans.quick_transaction import SentTransaction
from app.formats.spans.transaction import Transaction
from app.formats.wire.envelope import EnvelopeItem
from app.ingest.items import scrubbed, stages
from app.ingest.items.context import EnvelopeContext, ReceivedItem
from app.ingest.items.item_type import (
    ItemType,
    PreparedBatch,
    StoredRows,
    StoreTransaction,
    count_rows,
)
from app.ingest.items.spans import blocks
from app.projects.model import Outcome
from app.scrub.places import PayloadKind
from app.traces import writes as trace_writes
from app.traces.model import NewTransaction


@dataclass(slots=True)
class Work:
    """A transaction on its way; a stage sets what the next ones read."""

    item: EnvelopeItem
    context: EnvelopeContext
    sent: SentTransaction = field(init=False)
    read: Transaction = field(init=False)
    reach: tuple[datetime, datetime] = field(init=False)
    new: NewTransaction | None = None


def prepare_transactions(noted: Sequence[ReceivedItem], prepared: PreparedBatch) -> None:
    """Turn items into transactions to be stored; they go through each stage together.

    What is refused is counted, and so are spans that cannot be read.
    """
    works = [Work(item, context) for item, context in noted]
    stages.run(works, STAGES)
    for one in works:
        try:
            prepared.rows_of(TRANSACTION).append(
                one.new or span_by_span(one.item, one.context, prepared)
            )
        except RequestRefused as refused:
            prepared.refuse(one.context, one.item.type, refused)


def span_by_span(
    item: EnvelopeItem, context: EnvelopeContext, prepared: PreparedBatch
) -> NewTransaction:
    """Read a transaction by decoding all of it; with the same outcome.

    Raises:
        MalformedInput: It is no JSON object.
        OversizedInput: It is over a limit.
    """
    event.check_event_size(item.payload, "transaction")
    raw = scrubbed.value(item.payload, context, kind=PayloadKind.TRANSACTION, what="transaction")
    read = transaction.read_transaction(raw, context.header, sent_at=context.sent_at)
    if read.skipped:
        prepared.count(context, "span", Outcome.REFUSED, "malformed", quantity=read.skipped)
    return blocks.of_transaction(read, context)


# The stages: each tells whether the spans can still be kept as they came.


def _look(one: Work) -> bool:
    sent = quick_transaction.try_split_transaction(one.item.payload)
    if sent is None:
        return False
    one.sent = sent
    return True


def _scrub(one: Work) -> bool:
    clean = scrubbed.transaction(one.sent, one.context)
    if clean is None:
        return False
    one.sent = clean
    return True


def _read(one: Work) -> bool:
    sent = one.sent
    head = json_members.decode_members(sent.members, transaction.TRANSACTION_MEMBERS)
    one.read = read = transaction.read_transaction(
        head, one.context.header, sent_at=one.context.sent_at
    )
    root = read.root
    started_at = min(root.started_at, sent.first_at or root.started_at)
    ended_at = max(read.ended_at, sent.last_at or read.ended_at)
    one.reach = started_at, ended_at
    return (
        sent.trace_id in (None, read.trace_id)
        and root.replay_id == read.replay_id
        and ended_at - started_at <= BLOCK_START_SPREAD
    )


def _lay_out(one: Work) -> bool:
    one.new = blocks.of_sent(one.read, one.sent, one.context, reach=one.reach)
    return True


STAGES: Final = (_look, _scrub, _read, _lay_out)


async def store_transactions(
    transaction: StoreTransaction, rows: Sequence[NewTransaction]
) -> StoredRows:
    """Store transactions; the other blocks of one are stored if the one with its root is new."""
    roots = [row.block for row in rows]
    added = await trace_writes.add_blocks(transaction.connection, roots)
    others = [
        block
        for row in rows
        if (row.block.project_id, row.block.block_id) in added
        for block in row.others
    ]
    await trace_writes.add_blocks(transaction.connection, others)
    keyed = [(TRANSACTION.name, (root.project_id, root.block_id), 1) for root in roots]
    return StoredRows(count_rows(keyed, added))


TRANSACTION: Final = ItemType(
    name="transaction",
    categories=("transaction",),
    limit_bytes=LIMITS.event_bytes,
    scrubbing=PayloadKind.TRANSACTION,
    prepare=prepare_transactions,
    store=store_transactions,
)
