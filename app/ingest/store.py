"""Writes what a batch asks for: objects first, then one transaction, outcomes and mark in it."""

import zlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import BigInteger, DateTime, bindparam, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core import clock, units
from app.core.ids import ProjectId
from app.db.engine import Database
from app.feedback import writes as feedback_writes
from app.ingest import expand, recovered
from app.ingest.inbox import Fresh
from app.ingest.link import link_batch
from app.ingest.outcomes import outcome_key
from app.ingest.pack import Mark, Pack, lay_out
from app.ingest.prepared import Prepared, SegmentWork
from app.ingest.tables import journal_marks
from app.issues import attachments, erase as error_erase, writes as event_writes
from app.projects import writes as project_writes
from app.projects.model import Outcome, OutcomeKey
from app.releases import sessions
from app.replays import locks, writes as replay_writes
from app.replays.model import ReplayKey
from app.replays.writes import PackRange
from app.storage.port import ObjectStore
from app.traces import logs, writes as trace_writes

_GZIP_WBITS: Final = 31
# Text, because building this anew costs every batch a millisecond.
_MOVE_MARK: Final = text(
    """
    insert into journal_marks as mark (journal_id, seq, moved_at) values (:journal_id, :seq, :at)
    on conflict (journal_id) do update set seq = excluded.seq, moved_at = excluded.moved_at
    where mark.seq < excluded.seq returning seq
    """
).bindparams(bindparam("seq", type_=BigInteger), bindparam("at", type_=DateTime(timezone=True)))


@dataclass(frozen=True, slots=True)
class Batch:
    """What is stored together: rows, the pack of their videos, and the mark that moves with them.

    The pack's key is made here, once, so that a batch tried again writes the same object.
    """

    prepared: Prepared
    mark: Mark
    pack: Pack

    @classmethod
    def of(cls, prepared: Prepared, mark: Mark) -> "Batch":
        """Lay a batch out."""
        return cls(prepared, mark, lay_out(prepared.segments, mark))


@dataclass(frozen=True, slots=True)
class Quarantine:
    """An envelope that failed on its content, to be kept aside for a person to look at."""

    fresh: Fresh
    reason: str


async def store(
    database: Database,
    objects: ObjectStore,
    batch: Batch,
    *,
    quarantine: Quarantine | None = None,
    orphans: Sequence[str] = (),
    is_again: bool = False,
) -> None:
    """Store a batch whole, or not at all; doing it twice changes nothing.

    The mark moves in the same transaction, so that after a crash no outcome is counted twice.

    Args:
        database: Where rows go.
        objects: Where bytes go.
        batch: What to store.
        quarantine: The envelope that could not be stored otherwise, if that is why.
        orphans: Keys of packs that were put by tries that failed: no row will point at them.
        is_again: A try before this one ended without an answer. It may have been committed, and
            part of it erased since: then nothing may be put again.

    Raises:
        ServiceUnavailable: Postgres or the object storage does not answer.
    """
    prepared = batch.prepared
    if is_again and await _read_mark(database, batch.mark.journal_id) >= batch.mark.seq:
        return
    await _put(objects, batch)
    async with database.transaction() as connection:
        if not await _move_mark(connection, batch.mark):
            # Another process digests this journal. Its rows have packs of their own.
            unused = [batch.pack.key] if batch.pack.parts else []
            await replay_writes.discard_objects(connection, unused, clock.now())
            return
        counts = Counter(prepared.outcomes)
        counts += await _store_segments(connection, prepared.segments, batch.pack)
        added = await event_writes.add_events(connection, prepared.events)
        places = [(one.project_id, one.event_id) for one in prepared.events]
        counts += _count("event", places, set(added))
        counts += await _store_traces(connection, prepared)
        counts += await _store_attachments(connection, objects, prepared)
        counts += await _store_logs(connection, prepared)
        counts += await _store_feedback(connection, prepared)
        counts += await _store_sessions(connection, prepared)
        await project_writes.add_outcomes(connection, counts)
        await replay_writes.discard_objects(connection, orphans, clock.now())
        if quarantine is not None:
            await _store_aside(connection, quarantine)
        await link_batch(connection, prepared, added)
        await recovered.fill(connection, prepared, added)


async def _put(objects: ObjectStore, batch: Batch) -> None:
    """Put the bytes that rows will point at: one pack of videos, each attached file by itself."""
    if batch.pack.parts:
        await objects.put(batch.pack.key, batch.pack.parts)
    files = {work.attachment.object_key: work.data for work in batch.prepared.attachments}
    if files:
        await objects.put_many(list(files.items()))


async def _store_segments(
    connection: AsyncConnection, works: Sequence[SegmentWork], pack: Pack
) -> Counter[OutcomeKey]:
    """Store segments of replays that are not deleted; what no row points at goes to the sweep."""
    counts: Counter[OutcomeKey] = Counter()
    if not works:
        return counts
    deleted = await locks.lock_for_adding(connection, [work.segment.key for work in works])
    live = [one for one in pack.placed if one.segment.key not in deleted]
    pack_id = None
    if pack.parts:
        pack_id = await replay_writes.add_pack(connection, pack.key, live=pack.videos)
    added = await replay_writes.add_segments(connection, live, pack_id=pack_id)
    kept = {id(one.segment) for one in added}
    dead: list[PackRange] = []
    for work, placed in zip(works, pack.placed, strict=True):
        segment = work.segment
        outcome = Outcome.KEPT if id(segment) in kept else Outcome.DUPLICATE
        if segment.key in deleted:
            outcome = Outcome.DELETED
        if outcome is not Outcome.KEPT and placed.offset is not None and work.video is not None:
            assert pack_id is not None  # noqa: S101 - a place without a pack
            dead.append(PackRange(segment.key, pack_id, placed.offset, len(work.video)))
        counts[outcome_key(segment.key.project_id, work.item_type, outcome)] += 1
    await replay_writes.discard_pack_ranges(connection, dead, clock.now())
    return counts


async def _store_attachments(
    connection: AsyncConnection, objects: ObjectStore, prepared: Prepared
) -> Counter[OutcomeKey]:
    """Store the rows of files; a duplicate's object is the one that is there already."""
    new = [work.attachment for work in prepared.attachments]
    added = await attachments.add_attachments(connection, new)
    files = {work.attachment.object_key: work.data for work in prepared.attachments}
    swept = await error_erase.take_back(connection, sorted(files))
    if swept:
        await objects.put_many([(key, files[key]) for key in sorted(swept)])
    return _count("attachment", [attachments.key_of(one) for one in new], added)


async def _store_logs(connection: AsyncConnection, prepared: Prepared) -> Counter[OutcomeKey]:
    added = await logs.add_logs(connection, prepared.logs)
    return _count("log", [(one.project_id, one.log_id) for one in prepared.logs], added)


async def _store_feedback(connection: AsyncConnection, prepared: Prepared) -> Counter[OutcomeKey]:
    added = await feedback_writes.add_feedback(connection, prepared.feedback)
    counts: Counter[OutcomeKey] = Counter()
    for one in prepared.feedback:
        counts += _count(one.item_type, [(one.project_id, one.event_id)], added)
    return counts


async def _store_sessions(connection: AsyncConnection, prepared: Prepared) -> Counter[OutcomeKey]:
    counts: Counter[OutcomeKey] = Counter()
    are_new = await sessions.add_sessions(connection, prepared.sessions)
    for one, is_new in zip(prepared.sessions, are_new, strict=True):
        outcome = Outcome.KEPT if is_new else Outcome.DUPLICATE
        counts[outcome_key(one.project_id, "session" if one.sid else "sessions", outcome)] += 1
    return counts


async def _store_traces(connection: AsyncConnection, prepared: Prepared) -> Counter[OutcomeKey]:
    """Store transactions and streamed spans; those of a block are new, or known, together."""
    whole = [one.block for one in prepared.transactions]
    added = await trace_writes.add_blocks(connection, [*whole, *prepared.blocks])
    others = [
        block
        for one in prepared.transactions
        if (one.block.project_id, one.block.block_id) in added
        for block in one.others
    ]
    await trace_writes.add_blocks(connection, others)
    counts = _count("transaction", [(one.project_id, one.block_id) for one in whole], added)
    for block in prepared.blocks:
        each = _count("span", [(block.project_id, block.block_id)], added)
        counts += Counter(dict.fromkeys(each, block.spans))
    return counts


def _count[Place: tuple[ProjectId, *tuple[str, ...]]](
    item_type: str, places: Sequence[Place], added: set[Place]
) -> Counter[OutcomeKey]:
    """Count items by whether their rows were added.

    Args:
        item_type: Of all of them.
        places: The key of each, the project first, in the order of arrival.
        added: Keys of new rows; each is taken out by the first item that has it, so that the
            others of a batch count as duplicates.
    """
    sums: Counter[tuple[ProjectId, Outcome]] = Counter()
    for place in places:
        outcome = Outcome.KEPT if place in added else Outcome.DUPLICATE
        added.discard(place)
        sums[place[0], outcome] += 1
    return Counter(
        {
            outcome_key(project_id, item_type, outcome): quantity
            for (project_id, outcome), quantity in sums.items()
        }
    )


async def _store_aside(connection: AsyncConnection, quarantine: Quarantine) -> None:
    fresh = quarantine.fresh
    replay_id = expand.replay_id(fresh.envelope)
    if replay_id is not None and await locks.lock_for_adding(
        connection, [ReplayKey(fresh.project_id, replay_id)]
    ):
        return  # of a deleted replay nothing is kept
    await project_writes.add_quarantined(
        connection,
        fresh.project_id,
        received_at=units.at_from_ms(fresh.received_ms),
        item_types=[item.type for item in fresh.envelope.items],
        reason=quarantine.reason,
        body=zlib.compress(fresh.body, wbits=_GZIP_WBITS),
        content_encoding="gzip",
        replay_id=replay_id,
    )


async def _read_mark(database: Database, journal_id: str) -> int:
    async with database.reading() as connection:
        seq = await connection.scalar(
            select(journal_marks.c.seq).where(journal_marks.c.journal_id == journal_id)
        )
    return seq or 0


async def _move_mark(connection: AsyncConnection, mark: Mark) -> bool:
    """Move the mark forward; False if it is there already."""
    moved = await connection.execute(
        _MOVE_MARK, {"journal_id": mark.journal_id, "seq": mark.seq, "at": clock.now()}
    )
    return moved.first() is not None
