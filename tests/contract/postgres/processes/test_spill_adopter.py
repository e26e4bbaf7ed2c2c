"""Adopting from the bucket: what is digested, what is deleted, and what is left alone."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import cast, override

import pytest
from sqlalchemy import text

from app.core import clock
from app.db.engine import Database
from app.ingest.digest import marks
from app.ingest.digest.batch_digester import BatchDigester
from app.ingest.digest.marks import ClaimedMark
from app.ingest.queue import AcceptedEnvelope
from app.ingest.spill.adopter import SpillAdopter
from app.ingest.spill.cipher import SpillKey, encrypt_entries
from app.ingest.spill.key_ring import SpillKeyRing
from app.journal.entry import JournalEntry
from app.storage import keys
from app.storage.disk.local import LocalStore
from tests.support.builders import envelopes

JOURNAL = "c" * 32
OTHER = "d" * 32


class RecordingDigester:
    """Moves marks as digest does, and remembers which entries it was given."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.seqs: list[int] = []

    async def digest_batch(self, mark: ClaimedMark, batch: Sequence[AcceptedEnvelope]) -> None:
        """Take a batch."""
        async with self._database.transaction() as connection:
            if not await marks.move_mark(connection, mark, batch[-1].seq):
                raise marks.MarkMovedError
        mark.stored_seq = batch[-1].seq
        self.seqs += [each.seq for each in batch]


class Bucket:
    """A store with spilled files, and what adopts them."""

    def __init__(self, database: Database, store: LocalStore, ring: SpillKeyRing) -> None:
        self.database, self.store, self.ring = database, store, ring
        self.digested = RecordingDigester(database)

    def adopter(self, *, keep_s: float = 0, silent_after_s: float = 0.01) -> SpillAdopter:
        """Make an adopter that is not running."""
        return SpillAdopter(
            self.database,
            self.store,
            cast(BatchDigester, self.digested),
            self.ring,
            own_journal_id=None,
            silent_after_s=silent_after_s,
            keep_s=keep_s,
        )

    async def spill(
        self, first_seq: int, last_seq: int, *, journal: str = JOURNAL, key: SpillKey | None = None
    ) -> str:
        """Put a file with some entries."""
        assert self.ring.current is not None
        name = keys.make_spill_key(journal, first_seq, last_seq, self.ring.current.id)
        body = envelopes.event_envelope()
        entries = [
            JournalEntry(seq, 7, "k" * 32, 5, None, None, "envelope", body)
            for seq in range(first_seq, last_seq + 1)
        ]
        await self.store.put(name, encrypt_entries(key or self.ring.current, name, entries))
        return name

    async def list_files(self) -> list[str]:
        """List the spilled files."""
        return [each.key for each in await self.store.list(keys.SPILL_PREFIX)]


@pytest.fixture
async def bucket(database: Database, tmp_path: Path) -> AsyncIterator[Bucket]:
    """Open an empty store."""
    store = LocalStore(tmp_path, threads=2)
    ring = SpillKeyRing(database)
    await ring.refresh()
    yield Bucket(database, store, ring)
    await store.close()


async def add_process(database: Database, journal: str, *, silent_s: float = 0) -> None:
    """Add the row of a process."""
    async with database.transaction() as connection:
        await connection.execute(
            text(
                "insert into processes (process_id, journal_id, host, pid, roles, version, seen_at)"
                " values (gen_random_uuid(), :journal, 'h', 1, '{door}', '1',"
                " now() - make_interval(secs => :silent))"
            ),
            {"journal": journal, "silent": silent_s},
        )


async def test_a_journal_that_no_process_has_is_adopted(bucket: Bucket) -> None:
    """Files are read in order, whatever was stored before is skipped, and all go afterwards."""
    async with bucket.database.transaction() as connection:
        mark = await marks.claim_mark(connection, JOURNAL)
        await marks.move_mark(connection, mark, 2)
        await connection.execute(
            text(
                "update journal_marks set moved_at = now() - interval '1 hour',"
                " claimed_at = now() - interval '1 hour'"
            )
        )
    await bucket.spill(4, 5)
    await bucket.spill(1, 3)
    await bucket.adopter().work()
    assert bucket.digested.seqs == [3, 4, 5]
    assert await bucket.list_files() == []


async def test_the_journal_of_a_living_process_is_left_alone(bucket: Bucket) -> None:
    """Only what is digested is deleted, which its owner may have missed."""
    await add_process(bucket.database, JOURNAL)
    async with bucket.database.transaction() as connection:
        await marks.move_mark(connection, await marks.claim_mark(connection, JOURNAL), 2)
    await bucket.spill(1, 2)
    waiting = await bucket.spill(3, 4)
    await bucket.adopter(silent_after_s=60).work()
    assert bucket.digested.seqs == []
    assert await bucket.list_files() == [waiting]


async def test_the_row_of_a_dead_process_goes_with_its_last_file(bucket: Bucket) -> None:
    """The row of a dead process is deleted once its last spilled file is adopted."""
    await add_process(bucket.database, JOURNAL, silent_s=100)
    await add_process(bucket.database, OTHER)
    await bucket.spill(1, 2)
    await bucket.adopter(silent_after_s=60).work()
    assert bucket.digested.seqs == [1, 2]
    async with bucket.database.reading() as connection:
        left = list(await connection.scalars(text("select journal_id from processes")))
    assert left == [OTHER]


async def test_digested_files_stay_while_postgres_may_lose_the_commit(bucket: Bucket) -> None:
    """If the mark goes back before they are deleted, they are digested again."""
    await add_process(bucket.database, JOURNAL, silent_s=100)
    await bucket.spill(1, 2)
    adopter = bucket.adopter(keep_s=60)
    await adopter.work()
    await adopter.work()
    assert bucket.digested.seqs == [1, 2]
    assert len(await bucket.list_files()) == 1
    async with bucket.database.transaction() as connection:
        await connection.execute(text("delete from journal_marks"))
    await adopter.work()  # finds the mark gone
    await adopter.work()
    assert bucket.digested.seqs == [1, 2, 1, 2]
    adopter._deleted_after_s = 0
    await adopter.work()
    assert await bucket.list_files() == []


async def test_a_file_that_cannot_be_read_stays_and_stops_nothing(bucket: Bucket) -> None:
    """The entries after it are digested; the file may be mended, or looked at, by a person."""
    await add_process(bucket.database, JOURNAL, silent_s=100)
    strange = await bucket.spill(1, 2, key=SpillKey(99, b"x" * 32))
    await bucket.spill(3, 4)
    adopter = bucket.adopter()
    await adopter.work()
    assert bucket.digested.seqs == [3, 4]
    assert await bucket.list_files() == [strange]


async def test_another_adopter_ends_the_work(bucket: Bucket) -> None:
    """If two processes adopt one journal, the one that claimed it first stores nothing more."""
    await add_process(bucket.database, JOURNAL, silent_s=100)
    await bucket.spill(1, 2)
    first = bucket.adopter(keep_s=60)
    await first.work()
    async with bucket.database.transaction() as connection:
        await marks.claim_mark(connection, JOURNAL)
    await bucket.spill(3, 4)
    await first.work()
    assert bucket.digested.seqs == [1, 2]
    assert len(await bucket.list_files()) == 2


class InterruptedDigester(RecordingDigester):
    """Puts the pack of its first batch, and is then interrupted as a process that lost its turn."""

    def __init__(self, database: Database, store: LocalStore) -> None:
        super().__init__(database)
        self._store = store
        self._is_first = True

    @override
    async def digest_batch(self, mark: ClaimedMark, batch: Sequence[AcceptedEnvelope]) -> None:
        """Take a batch; the first one gets no further than its pack."""
        if self._is_first:
            self._is_first = False
            today = clock.now().date()
            pack = keys.make_pack_key(today, mark.journal_id, batch[0].seq)
            await self._store.put(pack, b"video")
            raise asyncio.CancelledError
        await super().digest_batch(mark, batch)


async def test_what_an_interrupted_batch_put_is_removed(bucket: Bucket) -> None:
    """The next round claims the mark again, which removes it, before it digests the entries."""
    await add_process(bucket.database, JOURNAL, silent_s=100)
    await bucket.spill(1, 2)
    bucket.digested = InterruptedDigester(bucket.database, bucket.store)
    adopter = bucket.adopter()
    with pytest.raises(asyncio.CancelledError):
        await adopter.work()
    assert len(await bucket.store.list("")) == 2
    await adopter.work()
    assert bucket.digested.seqs == [1, 2]
    assert await bucket.store.list("") == []
