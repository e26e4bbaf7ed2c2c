"""Writes what a batch asks for: objects first, then one transaction, outcomes and mark in it."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core import clock, units
from app.core.ids import ProjectId
from app.db.engine import Database
from app.errors import attachments, feedback, sessions, writes as error_writes
from app.ingest import expand
from app.ingest.inbox import Fresh
from app.ingest.outcomes import outcome_key
from app.ingest.prepared import Prepared, SegmentWork
from app.ingest.tables import journal_marks
from app.projects import writes as project_writes
from app.projects.model import Outcome, OutcomeKey
from app.replays import locks, writes as replay_writes
from app.replays.model import ReplayKey
from app.storage.port import ObjectStore
from app.traces import logs, writes as trace_writes

_Place = TypeVar("_Place", bound=tuple[ProjectId, *tuple[str, ...]])


@dataclass(frozen=True, slots=True)
class Mark:
    """A place in a journal: everything up to `seq` is stored."""

    journal_id: str
    seq: int


@dataclass(frozen=True, slots=True)
class Quarantine:
    """An envelope that failed on its content, to be kept aside for a person to look at."""

    fresh: Fresh
    reason: str
    objects: Sequence[tuple[ReplayKey, str]] = ()
    """Objects that were put before it failed: no row will point at them."""


async def store(
    database: Database,
    objects: ObjectStore,
    prepared: Prepared,
    mark: Mark,
    quarantine: Quarantine | None = None,
) -> None:
    """Store a batch whole, or not at all; doing it twice changes nothing.

    The mark moves in the same transaction, so that after a crash no outcome is counted twice.

    Raises:
        Unavailable: Postgres or the object storage does not answer.
    """
    wanted = _objects(prepared)
    if wanted:
        await objects.put_many(list(wanted.items()))
    async with database.transaction() as connection:
        if not await _move_mark(connection, mark):
            # Committed before: the connection broke before the answer came.
            return
        counts = Counter(prepared.outcomes)
        counts += await _store_segments(connection, prepared.segments)
        counts += await _store_events(connection, prepared)
        counts += await _store_traces(connection, prepared)
        counts += await _store_attachments(connection, prepared)
        counts += await _store_logs(connection, prepared)
        counts += await _store_feedback(connection, prepared)
        counts += await _store_sessions(connection, prepared)
        await project_writes.add_outcomes(connection, counts)
        if quarantine is not None:
            await _store_aside(connection, quarantine)


def _objects(prepared: Prepared) -> dict[str, memoryview]:
    """Gather the bytes that rows will point at, by their object keys."""
    videos = {
        work.segment.video.object_key: work.video
        for work in prepared.segments
        if work.segment.video is not None and work.video is not None
    }
    return videos | {work.attachment.object_key: work.data for work in prepared.attachments}


async def _store_segments(
    connection: AsyncConnection, works: Sequence[SegmentWork]
) -> Counter[OutcomeKey]:
    """Store segments of replays that are not deleted; objects nobody points at go to the sweep."""
    deleted = await locks.share(connection, [work.segment.key for work in works])
    live = [work for work in works if work.segment.key not in deleted]
    added = await replay_writes.add_segments(connection, [work.segment for work in live])
    kept = {id(one.segment) for one in added}
    counts: Counter[OutcomeKey] = Counter()
    pointed_at = {
        (one.segment.key, one.segment.video.object_key) for one in added if one.segment.video
    }
    orphans: set[tuple[ReplayKey, str]] = set()
    for work in works:
        outcome = Outcome.KEPT if id(work.segment) in kept else Outcome.DUPLICATE
        if work.segment.key in deleted:
            outcome = Outcome.DELETED
        if outcome is not Outcome.KEPT and work.segment.video is not None:
            orphans.add((work.segment.key, work.segment.video.object_key))
        counts[outcome_key(work.segment.key.project_id, work.item_type, outcome)] += 1
    # The sweep looks again whether a row points at an object before it removes it: a second
    # delivery of the same bytes has the same key.
    await replay_writes.discard_objects(connection, orphans - pointed_at, clock.now())
    return counts


async def _store_events(connection: AsyncConnection, prepared: Prepared) -> Counter[OutcomeKey]:
    added = await error_writes.add_events(connection, prepared.events)
    return _count("event", [(one.project_id, one.event_id) for one in prepared.events], added)


async def _store_attachments(
    connection: AsyncConnection, prepared: Prepared
) -> Counter[OutcomeKey]:
    """Store the rows of files; a duplicate's object is the one that is there already."""
    new = [work.attachment for work in prepared.attachments]
    added = await attachments.add_attachments(connection, new)
    return _count("attachment", [attachments.key_of(one) for one in new], added)


async def _store_logs(connection: AsyncConnection, prepared: Prepared) -> Counter[OutcomeKey]:
    added = await logs.add_logs(connection, prepared.logs)
    return _count("log", [(one.project_id, one.log_id) for one in prepared.logs], added)


async def _store_feedback(connection: AsyncConnection, prepared: Prepared) -> Counter[OutcomeKey]:
    added = await feedback.add_feedback(connection, prepared.feedback)
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
    added = await trace_writes.add_transactions(connection, prepared.transactions)
    places = [(one.project_id, one.event_id) for one in prepared.transactions]
    counts = _count("transaction", places, added)
    new = await trace_writes.add_spans(connection, prepared.spans)
    spans = [(one.project_id, one.trace_id, one.span_id) for one in prepared.spans]
    return counts + _count("span", spans, new)


def _count(item_type: str, places: Sequence[_Place], added: set[_Place]) -> Counter[OutcomeKey]:
    """Count items by whether their rows were added.

    Args:
        item_type: Of all of them.
        places: The key of each, the project first, in the order of arrival.
        added: Keys of new rows; each is taken out by the first item that has it, so that the
            others of a batch count as duplicates.
    """
    counts: Counter[OutcomeKey] = Counter()
    for place in places:
        outcome = Outcome.KEPT if place in added else Outcome.DUPLICATE
        added.discard(place)
        counts[outcome_key(place[0], item_type, outcome)] += 1
    return counts


async def _store_aside(connection: AsyncConnection, quarantine: Quarantine) -> None:
    fresh = quarantine.fresh
    await replay_writes.discard_objects(connection, quarantine.objects, clock.now())
    replay_id = expand.replay_id(fresh.envelope)
    if replay_id is not None and await locks.share(
        connection, [ReplayKey(fresh.project_id, replay_id)]
    ):
        return  # of a deleted replay nothing is kept
    await project_writes.add_quarantined(
        connection,
        fresh.project_id,
        received_at=units.at_from_ms(fresh.received_ms),
        item_types=[item.type for item in fresh.envelope.items],
        reason=quarantine.reason,
        body=fresh.body,
        content_encoding=fresh.content_encoding,
        replay_id=replay_id,
    )


async def _move_mark(connection: AsyncConnection, mark: Mark) -> bool:
    """Move the mark forward; False if it is there already."""
    statement = insert(journal_marks).values(
        journal_id=mark.journal_id, seq=mark.seq, moved_at=clock.now()
    )
    moved = await connection.execute(
        statement.on_conflict_do_update(
            index_elements=["journal_id"],
            set_={"seq": statement.excluded.seq, "moved_at": statement.excluded.moved_at},
            where=journal_marks.c.seq < statement.excluded.seq,
        ).returning(journal_marks.c.seq)
    )
    return moved.first() is not None
