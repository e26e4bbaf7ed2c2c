"""Stores a batch: its objects first, then its rows, outcomes and mark in one transaction."""

import zlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncConnection

from app.core import clock, units
from app.core.errors import PartitionMissing, ServiceUnavailable
from app.db.engine import Database
from app.ingest.digest import crash_facts, marks
from app.ingest.digest.link_issues import link_batch
from app.ingest.digest.marks import ClaimedMark, JournalRange, MarkMovedError, MarkPosition
from app.ingest.digest.note_signals import note_signals
from app.ingest.digest.prepare import replay_id_of
from app.ingest.digest.read_days import DayMemory, list_partitions_of, read_batch_days
from app.ingest.item_types import STORES
from app.ingest.items.attachment import ATTACHMENT
from app.ingest.items.batch_files import BatchFiles, lay_out_files
from app.ingest.items.event import EVENT, store_events
from app.ingest.items.item_type import PreparedBatch, Store, StoredRows, StoreTransaction
from app.ingest.items.replay_video import REPLAY_VIDEO
from app.ingest.items.segments.pack import Pack, lay_out_pack
from app.ingest.outcome_names import limit_names
from app.ingest.queue import AcceptedEnvelope
from app.issues.deletion import erase as issue_erase
from app.issues.model import Attachment
from app.messages.wanted import WantedSignals
from app.projects import privacy_rules, storage, writes as project_writes
from app.projects.model import OutcomeKey
from app.replays import locks, writes as replay_writes
from app.replays.model import ReplayKey
from app.replays.segments import segment_queries
from app.storage import keys
from app.storage.port import ObjectStore

_GZIP_WBITS: Final = 31
_MOVES: Final = 3
"""The most times that a batch is stored again because the day of a replay changed meanwhile."""


@dataclass(frozen=True, slots=True)
class LaidOutBatch:
    """A batch with the objects that hold its videos and files; all of it is stored together.

    Their keys are made here, once, so that a batch that is tried again writes the same objects.
    """

    prepared: PreparedBatch
    entries: JournalRange
    pack: Pack
    files: BatchFiles

    @classmethod
    def of(cls, prepared: PreparedBatch, entries: JournalRange) -> "LaidOutBatch":
        """Lay out the objects of the batch that was made of some journal entries."""
        named = prepared.day, entries.journal_id, entries.first_seq
        pack = lay_out_pack(prepared.rows_of(REPLAY_VIDEO), keys.make_pack_key(*named))
        files = lay_out_files(prepared.rows_of(ATTACHMENT), keys.make_batch_files_prefix(*named))
        return cls(prepared, entries, pack, files)

    @property
    def objects(self) -> "BatchObjects":
        """The names of its objects."""
        return BatchObjects(self.pack.key if self.pack.parts else None, self.files.rows)


@dataclass(frozen=True, slots=True)
class BatchObjects:
    """The names of what is put for a batch: what has to go if the batch is never stored."""

    pack_key: str | None
    """The key of its pack; None if it has no video."""
    files: tuple[Attachment, ...]


@dataclass(frozen=True, slots=True)
class EnvelopeToQuarantine:
    """An envelope that failed on its content and is kept for a person to look at."""

    accepted: AcceptedEnvelope
    reason: str


async def store_batch(
    database: Database,
    objects: ObjectStore,
    batch: LaidOutBatch,
    mark: ClaimedMark,
    *,
    quarantine: EnvelopeToQuarantine | None = None,
    orphans: Sequence[BatchObjects] = (),
    is_again: bool = False,
    memory: DayMemory | None = None,
    wanted: WantedSignals | None = None,
) -> Counter[OutcomeKey]:
    """Store a batch whole, or not at all; doing it twice changes nothing.

    The mark moves in the same transaction, so that after a crash no outcome is counted twice.

    Args:
        database: The database that gets the rows.
        objects: The store that gets videos and files.
        batch: The batch.
        mark: The mark of its journal, which is moved past the batch.
        quarantine: The envelope of the batch, if it failed and is put into quarantine.
        orphans: What earlier tries put and no row will ever point at.
        is_again: True if an earlier try ended without an answer. It may have been committed, and
            part of it erased since, so nothing may be put again in that case.
        memory: The memory of the process about days.
        wanted: The signals that rules want; None for none.

    Returns:
        The outcomes that were stored; none if an earlier try had stored them.

    Raises:
        ServiceUnavailable: Postgres or the object storage does not answer.
        MarkMovedError: Another process digests this journal, or Postgres went back in time.
    """
    if is_again and await _is_stored(database, batch, mark):
        mark.stored_seq = batch.entries.last_seq
        return Counter()
    await _put_objects(objects, batch)
    memory = memory or DayMemory()
    for _ in range(_MOVES):
        try:
            outcomes = await _store_in_transaction(
                database,
                objects,
                batch,
                mark,
                memory,
                quarantine=quarantine,
                orphans=orphans,
                wanted=wanted,
            )
        except replay_writes.ReplayMovedError:
            continue
        except MarkMovedError:
            await _discard_objects(database, batch)
            raise
        except PartitionMissing:
            memory.forget()
            raise
        mark.stored_seq = batch.entries.last_seq
        return outcomes
    raise ServiceUnavailable("the day of a replay was changed again and again")


async def _store_in_transaction(
    database: Database,
    objects: ObjectStore,
    batch: LaidOutBatch,
    mark: ClaimedMark,
    memory: DayMemory,
    *,
    quarantine: EnvelopeToQuarantine | None,
    orphans: Sequence[BatchObjects],
    wanted: WantedSignals | None,
) -> Counter[OutcomeKey]:
    """Write the rows of a batch whose objects are put, and return its outcomes.

    Raises:
        ReplayMovedError: A replay turned out to have another day than was assumed.
        MarkMovedError: The mark is not where this process left it.
        ServiceUnavailable: Postgres does not answer.
    """
    async with database.transaction() as connection:
        if not await marks.move_mark(connection, mark, batch.entries.last_seq):
            raise MarkMovedError
        days = await read_batch_days(connection, batch.prepared, memory)
        partitions = list_partitions_of(batch.prepared, days)
        await memory.ensure(connection, partitions)
        transaction = StoreTransaction(
            connection,
            objects,
            batch.pack,
            batch.files,
            days,
            batch.prepared.symbolicated,
        )
        stored = await _store_rows(transaction, batch.prepared)
        for each in orphans:
            await _hand_to_sweep(connection, each)
        if quarantine is not None:
            await _add_to_quarantine(connection, quarantine)
        new_events = stored[store_events].added_events if store_events in stored else ()
        await link_batch(connection, batch.prepared, new_events, days)
        await crash_facts.copy_crash_facts(connection, batch.prepared, new_events, days)
        if wanted is not None and new_events:
            changes = stored[store_events].issue_changes
            await note_signals(connection, batch.prepared, new_events, changes, wanted)
        # Counters come last: all processes add to the same few rows, and each waits for the other
        # from here until the commit.
        await privacy_rules.add_removals(connection, batch.prepared.removals)
        outcomes = _sum_outcomes(batch.prepared, stored)
        await project_writes.add_outcomes(connection, outcomes)
        await storage.apply_storage_changes(connection, _sum_storage(stored))
    memory.add(partitions)
    return outcomes


def replays_to_picture(prepared: PreparedBatch) -> set[ReplayKey]:
    """Return the replays that gain video or an error, since their pictures may change."""
    with_video = {
        row.segment.key for row in prepared.rows_of(REPLAY_VIDEO) if row.segment.video is not None
    }
    return with_video | {
        ReplayKey(event.project_id, event.replay_id)
        for event in prepared.rows_of(EVENT)
        if event.replay_id is not None
    }


async def _is_stored(database: Database, batch: LaidOutBatch, mark: ClaimedMark) -> bool:
    """Find out whether an earlier try was committed.

    Raises:
        MarkMovedError: Another process has claimed the mark since, or Postgres went back in time.
    """
    async with database.reading() as connection:
        position = await marks.read_mark(connection, mark.journal_id)
    if position == MarkPosition(mark.epoch, mark.stored_seq):
        return False
    if position == MarkPosition(mark.epoch, batch.entries.last_seq):
        return True
    await _discard_objects(database, batch)
    raise MarkMovedError


async def _discard_objects(database: Database, batch: LaidOutBatch) -> None:
    """Hand the objects of a batch to the sweep, unless an earlier try was committed with them."""
    if batch.pack.parts or batch.files.rows:
        async with database.transaction() as connection:
            await _hand_to_sweep(connection, batch.objects)


async def _hand_to_sweep(connection: AsyncConnection, objects: BatchObjects) -> None:
    """Hand objects to the sweep, except those that rows point at."""
    if objects.pack_key is not None and not await segment_queries.find_packs(
        connection, [objects.pack_key]
    ):
        await replay_writes.discard_objects(connection, [objects.pack_key], clock.now())
    await issue_erase.discard_files(connection, objects.files, at=clock.now())


async def _put_objects(objects: ObjectStore, batch: LaidOutBatch) -> None:
    """Put what the rows will point at: one pack of videos, and each file by itself."""
    if batch.pack.parts:
        await objects.put(batch.pack.key, batch.pack.parts)
    if batch.files.contents:
        await objects.put_many(list(batch.files.contents.items()))


async def _store_rows(
    transaction: StoreTransaction, prepared: PreparedBatch
) -> dict[Store[Any], StoredRows]:
    """Store the rows of each type, in the order of `ITEM_TYPES`."""
    return {
        store_rows: await store_rows(transaction, rows)
        for store_rows in STORES
        if (rows := prepared.rows[store_rows])
    }


def _sum_outcomes(
    prepared: PreparedBatch, stored: Mapping[Store[Any], StoredRows]
) -> Counter[OutcomeKey]:
    """Add up the outcomes that were known before and those of storing."""
    outcomes = Counter(prepared.outcomes)
    for rows in stored.values():
        outcomes.update(rows.outcomes)
    return limit_names(outcomes)


def _sum_storage(stored: Mapping[Store[Any], StoredRows]) -> storage.StorageChanges:
    """Add up what all new rows and their objects take."""
    changes = storage.StorageChanges()
    for rows in stored.values():
        if rows.storage is not None:
            changes.add_all(rows.storage)
    return changes


async def _add_to_quarantine(connection: AsyncConnection, quarantine: EnvelopeToQuarantine) -> None:
    """Keep the envelope in quarantine, unless its replay was deleted."""
    accepted = quarantine.accepted
    replay_id = replay_id_of(accepted.envelope)
    if replay_id is not None and await locks.lock_for_adding(
        connection, [ReplayKey(accepted.project_id, replay_id)]
    ):
        return
    await project_writes.add_quarantined(
        connection,
        accepted.project_id,
        received_at=units.at_from_ms(accepted.received_ms),
        item_types=[item.type for item in accepted.envelope.items],
        reason=quarantine.reason,
        body=zlib.compress(accepted.body, wbits=_GZIP_WBITS),
        content_encoding="gzip",
        replay_id=replay_id,
    )
