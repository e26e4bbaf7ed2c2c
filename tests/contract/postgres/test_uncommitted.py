"""What was put for a batch that is never committed is removed, and nothing else is."""

from dataclasses import replace
from datetime import date, timedelta
from typing import override

import pytest
from sqlalchemy import text

from app.core import clock
from app.core.ids import EventId
from app.db.engine import Database
from app.db.partitions import days
from app.db.partitions.days import Partition
from app.erasure.sweep import sweep_once
from app.ingest.digest.marks import ClaimedMark, JournalRange, MarkMovedError
from app.ingest.digest.store import LaidOutBatch, store_batch
from app.ingest.digest.uncommitted import remove_uncommitted_objects
from app.ingest.items.attachment import ATTACHMENT
from app.ingest.items.batch_files import PreparedFile
from app.ingest.items.item_type import PreparedBatch
from app.ingest.items.replay_video import REPLAY_VIDEO
from app.issues import attachments
from app.issues.model import NewAttachment
from app.storage.disk.local import LocalStore
from app.storage.port import StoredObject
from tests.contract.postgres.test_packs import (
    FIRST,
    JOURNAL,
    PROJECT,
    SECOND,
    claim,
    make_prepared_segment,
    objects,
)
from tests.support.builders.stored_segments import store_claimed

__all__ = ["objects"]

EVENT = EventId("e" * 32)


def make_batch(seq: int, *, day: date | None = None, names: str = "a") -> LaidOutBatch:
    """Lay out a batch with a video and files, which begins and ends with one journal entry."""
    prepared = PreparedBatch() if day is None else PreparedBatch(day=day)
    prepared.rows_of(REPLAY_VIDEO).append(
        make_prepared_segment(FIRST if seq == 1 else SECOND, b"video", segment_id=seq)
    )
    for name in names:
        file = NewAttachment(
            PROJECT, EVENT, name.encode().hex().zfill(64), f"{name}.txt", None,
            "event.attachment", clock.now(), 4, prepared.day,
        )  # fmt: skip
        prepared.rows_of(ATTACHMENT).append(PreparedFile(file, memoryview(b"file")))
    return LaidOutBatch.of(prepared, JournalRange(JOURNAL, seq, seq))


def list_keys(batch: LaidOutBatch) -> set[str]:
    """List the keys of what is put for a batch."""
    return {batch.pack.key, *batch.files.contents}


async def put(store: LocalStore, batch: LaidOutBatch) -> None:
    """Put the objects of a batch, as a process does that dies afterwards."""
    await store.put(batch.pack.key, batch.pack.parts)
    await store.put_many(list(batch.files.contents.items()))


async def list_stored(store: LocalStore) -> set[str]:
    """List the keys of everything in a store."""
    return {stored.key for stored in await store.list("")}


async def remove_uncommitted(database: Database, store: LocalStore, mark: ClaimedMark) -> None:
    """Do what everybody does who claims a mark."""
    await remove_uncommitted_objects(database, store, mark, since=mark.moved_at)


@pytest.mark.parametrize("seq", [2, 70_000])
@pytest.mark.parametrize("days_ago", [0, 1])
async def test_what_was_never_committed_is_removed(database, objects, seq, days_ago):
    """Packs and files after the mark go, whichever entry and day their batch began with."""
    kept = make_batch(1)
    await store_claimed(database, objects, kept)
    day = clock.now().date() - timedelta(days=days_ago)
    await put(objects, make_batch(seq, day=day, names="abc"))
    await remove_uncommitted(database, objects, await claim(database))
    assert await list_stored(objects) == list_keys(kept)


async def test_what_an_owner_put_too_late_is_removed(database, objects):
    """A batch that another process has stored meanwhile is before the mark, and named by no row."""
    kept = make_batch(1)
    await store_claimed(database, objects, kept)
    await put(objects, make_batch(1))
    await remove_uncommitted(database, objects, await claim(database))
    assert await list_stored(objects) == list_keys(kept)


async def test_only_the_partitions_of_their_day_are_asked_for_files(database, objects):
    """With months of days, a look into each for a thousand files would take minutes."""
    stored = make_batch(1, names="abc")
    await store_claimed(database, objects, stored)
    today = stored.prepared.day
    before = [Partition("attachments", today - timedelta(days=ago), 3) for ago in (1, 2, 3)]
    async with database.transaction() as connection:
        await days.ensure_partitions(connection, before)
    others = {(PROJECT, EventId(f"{number:032x}")) for number in range(1_000)}
    async with database.transaction() as connection:
        named = await attachments.find_object_keys(connection, today, {*others, (PROJECT, EVENT)})
        locked = await connection.scalars(
            text(
                "select distinct c.relname from pg_locks l join pg_class c on c.oid = l.relation"
                " where l.pid = pg_backend_pid() and c.relname ~ '^attachments_[0-9]{8}_.$'"
            )
        )
    assert named == set(stored.files.contents)
    assert {name.split("_")[1] for name in locked} == {f"{today:%Y%m%d}"}


class ClaimedMeanwhile(LocalStore):
    """An object store that is so slow to list that another process claims and digests a journal."""

    database: Database | None = None
    batch: LaidOutBatch | None = None

    @override
    async def list(self, prefix: str) -> list[StoredObject]:
        if self.database is not None and self.batch is not None:
            database, self.database = self.database, None
            await store_batch(database, self, self.batch, await claim(database))
        return await super().list(prefix)


async def test_nothing_is_removed_by_who_is_no_longer_the_owner(database, tmp_path):
    """A slow process leaves alone what the next owner of the journal has put and committed."""
    slow = ClaimedMeanwhile(tmp_path, threads=1)
    mark = await claim(database)
    slow.database, slow.batch = database, make_batch(1)
    with pytest.raises(MarkMovedError):
        await remove_uncommitted(database, slow, mark)
    assert await list_stored(slow) == list_keys(slow.batch)
    await slow.close()


async def test_the_files_of_a_process_that_lost_its_journal_are_swept(database, objects):
    """A process whose journal another one has claimed stores nothing, and its objects go."""
    first, second = make_batch(1), make_batch(1)
    stopped, adopting = await claim(database), await claim(database)
    await store_batch(database, objects, first, adopting)
    with pytest.raises(MarkMovedError):
        await store_batch(database, objects, second, stopped)
    await sweep_once(database, objects)
    assert await list_stored(objects) == list_keys(first)


async def test_committed_files_stay_when_the_journal_is_claimed_before_the_retry(database, objects):
    """A process that never learned of its commit does not discard what rows point at."""
    batch = make_batch(1)
    mark = await claim(database)
    before = replace(mark)
    await store_batch(database, objects, batch, mark)
    await claim(database)
    with pytest.raises(MarkMovedError):
        await store_batch(database, objects, batch, before, is_again=True)
    await sweep_once(database, objects)
    assert await list_stored(objects) == list_keys(batch)


async def test_objects_of_failed_tries_go_with_the_next_batch(database, objects):
    """What a batch put that failed on its content is swept; what it shares with nobody stays."""
    failed, stored = make_batch(1, names="ab"), make_batch(1, names="a")
    await put(objects, failed)
    mark = await claim(database)
    await store_batch(database, objects, stored, mark, orphans=[failed.objects, stored.objects])
    await sweep_once(database, objects)
    assert await list_stored(objects) == list_keys(stored)
    async with database.reading() as connection:
        names = await connection.scalars(text("select filename from attachments"))
        assert list(names) == ["a.txt"]
