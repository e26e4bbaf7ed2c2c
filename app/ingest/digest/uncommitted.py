"""Removes the packs and files that were put for batches which were never committed.

A process puts the objects of a batch before it commits their rows. If it dies in between, nothing
names them: no erasure would find them. Their keys tell of which journal and entry they are, so
whoever claims the mark of the journal looks for them.

One is missed if a process that was held up puts it after the last claim, and dies before it gives
it to the sweep. It goes when its day ends (`retention.sweep`).
"""

import itertools
from collections import defaultdict
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Final

from app.core import clock
from app.core.days import OLD_DAY
from app.core.ids import EventId, ProjectId
from app.db.engine import Database
from app.ingest.digest import marks
from app.ingest.digest.marks import ClaimedMark, MarkMovedError, MarkPosition
from app.issues import attachments
from app.replays.segments import segment_queries
from app.storage import keys
from app.storage.port import ObjectStore

_CLOCK_SLACK: Final = timedelta(days=1)
_MOST_DAYS: Final = 400
_KEYS_AT_ONCE: Final = 1_000


async def remove_uncommitted_objects(
    database: Database, objects: ObjectStore, mark: ClaimedMark, *, since: datetime
) -> None:
    """Remove the objects of a journal's batches that no row names.

    Call it when the mark is claimed: from then on no earlier owner can commit a batch. Objects
    after the mark are all of batches that were not committed. An object before it was not committed
    if no row names it: an owner that was held up put it after another one had stored the same
    entries.

    Args:
        database: The database with the rows and the mark.
        objects: The store with the objects.
        mark: The mark of the journal, claimed by this process.
        since: The time at which its last entry was stored, or the next one received.

    Raises:
        ServiceUnavailable: The storage or Postgres does not answer.
        MarkMovedError: Another process has claimed the mark; nothing was removed.
    """
    days = {OLD_DAY, *_list_days(since - _CLOCK_SLACK, clock.now() + _CLOCK_SLACK)}
    stored = [
        each.key
        for prefix in keys.make_block_prefixes(days, mark.journal_id, mark.stored_seq + 1)
        for each in await objects.list(prefix)
    ]
    # Asked after the lists, which may have taken long: if the mark is still claimed by us, all that
    # is on the lists was put by earlier owners. A later owner commits what it puts.
    async with database.reading() as connection:
        position = await marks.read_mark(connection, mark.journal_id)
    if position != MarkPosition(mark.epoch, mark.stored_seq):
        raise MarkMovedError
    seqs = {key: keys.read_batch_seq(key) for key in stored}
    before_mark = [key for key, seq in seqs.items() if 0 <= seq <= mark.stored_seq]
    unnamed = await _find_unnamed(database, before_mark)
    for key in [*(key for key, seq in seqs.items() if seq > mark.stored_seq), *unnamed]:
        await objects.delete(key)


async def _find_unnamed(database: Database, object_keys: Sequence[str]) -> list[str]:
    """Return those of some packs and files that no row names."""
    packs: list[str] = []
    events: defaultdict[date, set[tuple[ProjectId, EventId]]] = defaultdict(set)
    for key in object_keys:
        if (file := keys.read_file_event(key)) is None:
            packs.append(key)
        else:
            day, event = file
            events[day].add(event)
    named: set[str] = set()
    # Small statements: one that takes a minute is given up, and would be again when it is repeated.
    for some_packs in itertools.batched(packs, _KEYS_AT_ONCE):
        async with database.reading() as connection:
            named |= await segment_queries.find_packs(connection, some_packs)
    for day, events_of_day in events.items():
        for some_events in itertools.batched(events_of_day, _KEYS_AT_ONCE):
            async with database.reading() as connection:
                named |= await attachments.find_object_keys(connection, day, some_events)
    return [key for key in object_keys if key not in named]


def _list_days(first: datetime, last: datetime) -> list[date]:
    """List the days between two moments, both included; only the latest of very many."""
    days = (last.date() - first.date()).days
    return [last.date() - timedelta(days=ago) for ago in range(min(days + 1, _MOST_DAYS))]
