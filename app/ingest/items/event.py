"""An `event` item: an error or a message of an app or a backend."""

from collections.abc import Sequence
from typing import Final

from app.core.errors import RequestRefused
from app.core.limits import LIMITS
from app.formats.stored.packed_remarks import pack_remarks
from app.ingest.items.context import EnvelopeContext, ReceivedItem
from app.ingest.items.events import quick_event
from app.ingest.items.events.scrubbed_event import ScrubbedEvent, read_scrubbed_event
from app.ingest.items.item_type import (
    EventToSymbolicate,
    ItemType,
    PreparedBatch,
    StoredRows,
    StoreTransaction,
    count_rows,
    sum_storage,
)
from app.ingest.items.segments import stored_facts
from app.issues import writes as event_writes
from app.issues.model import NewEvent
from app.projects.storage import EVENT_BYTES, StorageKind
from app.scrub.places import PayloadKind
from app.symbolication import waiting
from app.symbolication.file_use import note_used_files


def prepare_events(received: Sequence[ReceivedItem], prepared: PreparedBatch) -> None:
    """Turn items into events to be stored; count those that are refused."""
    quickly_read = quick_event.try_read_events(received)
    rows = prepared.rows_of(EVENT)
    for (item, context), quick in zip(received, quickly_read, strict=True):
        try:
            scrubbed = quick or read_scrubbed_event(bytes(item.payload), context)
            rows.append(event_row(scrubbed, context))
        except RequestRefused as refused:
            prepared.refuse(context, item.type, refused)
        else:
            if scrubbed.needs_files is not None:
                prepared.to_symbolicate.append(
                    EventToSymbolicate(len(rows) - 1, scrubbed.needs_files, scrubbed.decode)
                )


def event_row(scrubbed: ScrubbedEvent, context: EnvelopeContext) -> NewEvent:
    """Make the row of an event, and count what was removed from it."""
    event, problem = scrubbed.event, scrubbed.problem
    context.count_removals(scrubbed.remarks)
    at = context.moment_of(event.at)
    return NewEvent(
        project_id=context.project_id,
        event_id=event.event_id,
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
        platform=event.platform,
        release=event.release,
        environment=event.environment,
        sdk_name=event.sdk_name,
        user=stored_facts.write_user(event.user),
        trace_id=event.trace_id,
        span_id=event.span_id,
        parent_span_id=event.parent_span_id,
        replay_id=event.replay_id,
        payload=scrubbed.packed,
        removals=pack_remarks(scrubbed.remarks),
        issue_ids=scrubbed.issue_ids,
    )


async def store_events(transaction: StoreTransaction, rows: Sequence[NewEvent]) -> StoredRows:
    """Store events that are not stored yet, and put them into issues."""
    stored = await event_writes.add_events(transaction.connection, rows, transaction.days)
    added = stored.keys
    keyed = [(EVENT.name, (row.project_id, row.event_id), 1) for row in rows]
    storage = sum_storage(
        StorageKind.EVENTS,
        transaction.days.today,
        [((row.project_id, row.event_id), 1, _count_bytes(row)) for row in rows],
        added,
    )
    if transaction.symbolicated.events:
        noted = added & transaction.symbolicated.events.keys()
        await waiting.note_symbolicated(
            transaction.connection,
            {key: transaction.symbolicated.events[key] for key in noted},
            days=dict.fromkeys(noted, transaction.days.today),
            looked_up_at=transaction.symbolicated.looked_up_at,
        )
        releases = {(row.project_id, row.event_id): row.release for row in rows}
        await note_used_files(
            transaction.connection,
            [(key[0], releases[key], transaction.symbolicated.events[key]) for key in noted],
            day=transaction.days.today,
        )
    return StoredRows(count_rows(keyed, added), storage, added, stored.changes)


def _count_bytes(row: NewEvent) -> int:
    """Return what a row takes, as the triggers of migration 0040 count it."""
    return EVENT_BYTES + len(row.payload) + len(row.symbolicated or b"")


EVENT: Final = ItemType(
    name="event",
    categories=("error",),
    limit_bytes=LIMITS.event_bytes,
    scrubbing=PayloadKind.EVENT,
    prepare=prepare_events,
    store=store_events,
)
