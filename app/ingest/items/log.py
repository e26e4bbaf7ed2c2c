"""A `log` item: a container of log records."""

from collections.abc import Sequence
from typing import Final

from app.core.limits import LIMITS
from app.formats import log
from app.formats.jsonish import JsonObject
from app.formats.stored.packed_json import pack_json
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
    sum_storage,
)
from app.projects.model import Outcome
from app.projects.storage import LOG_BYTES, StorageKind
from app.scrub.places import PayloadKind
from app.traces import logs
from app.traces.model import NewLog


def prepare_log(item: EnvelopeItem, context: EnvelopeContext, prepared: PreparedBatch) -> None:
    """Turn one item into log records to be stored; count those that cannot be read.

    Raises:
        MalformedInput: It is not a JSON object with a list of items.
        OversizedInput: It is over a limit.
    """
    LOG.check_size(item)
    clean = scrub_log(item, context)
    container = log.read_log_container(clean, context.header, sent_at=context.sent_at)
    if container.skipped:
        prepared.count(context, LOG.name, Outcome.REFUSED, "malformed", quantity=container.skipped)
    prepared.rows_of(LOG).extend(log_rows(container, context))


def scrub_log(item: EnvelopeItem, context: EnvelopeContext) -> JsonObject:
    """Decode a container of log records, and return it without secrets.

    Raises:
        MalformedInput: It is not a JSON object.
        OversizedInput: It is over a limit of JSON.
    """
    return scrubbing.decode_and_scrub(
        item.payload, context, kind=PayloadKind.LOG, what="log container"
    )


def log_rows(container: log.LogContainer, context: EnvelopeContext) -> list[NewLog]:
    """Make the rows of log records."""
    return [
        NewLog(
            project_id=context.project_id,
            log_id=record.log_id,
            received_at=context.received_at,
            at=(at := context.moment_of(record.at)),
            drift_ms=context.drift_of(at),
            level=record.level,
            body=record.body,
            trace_id=record.trace_id,
            span_id=record.span_id,
            replay_id=record.replay_id,
            release=record.release,
            environment=record.environment,
            attributes=pack_json(record.attributes),
        )
        for record in container.logs
    ]


async def store_logs(transaction: StoreTransaction, rows: Sequence[NewLog]) -> StoredRows:
    """Store log records that are not stored yet."""
    added = await logs.add_logs(transaction.connection, rows, transaction.days)
    keyed = [(LOG.name, (row.project_id, row.log_id), 1) for row in rows]
    sizes = [
        ((row.project_id, row.log_id), 1, LOG_BYTES + len(row.body.encode()) + len(row.attributes))
        for row in rows
    ]
    storage = sum_storage(StorageKind.LOGS, transaction.days.today, sizes, added)
    return StoredRows(count_rows(keyed, added), storage)


LOG: Final = ItemType(
    name="log",
    categories=("log_item", "log_byte"),
    limit_bytes=LIMITS.log_container_bytes,
    scrubbing=PayloadKind.LOG,
    prepare=one_by_one(prepare_log),
    store=store_logs,
    is_container=True,
)
