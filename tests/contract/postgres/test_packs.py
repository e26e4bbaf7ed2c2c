"""Whatever happens between storing a pack and committing its rows, bytes and rows agree."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any, override

import pytest
from sqlalchemy import TextClause, text

from app.core import clock
from app.core.ids import ProjectId, ReplayId
from app.db.engine import Database
from app.db.text import JsonText
from app.erasure.replay import erase_replay
from app.erasure.sweep import sweep_once
from app.formats.replay.recording_summary import RecordingCounts
from app.ingest.digest import marks
from app.ingest.digest.marks import ClaimedMark, JournalRange, MarkMovedError, MarkPosition
from app.ingest.digest.store import LaidOutBatch, store_batch
from app.ingest.digest.uncommitted import remove_uncommitted_objects
from app.ingest.items.item_type import PreparedBatch
from app.ingest.items.replay_video import REPLAY_VIDEO
from app.ingest.items.segments.pack import PreparedSegment
from app.replays import locks, queries
from app.replays.model import NewSegment, ReplayKey, StoredVideo
from app.replays.segments import segment_queries
from app.storage.disk.local import LocalStore
from tests.support.builders.stored_segments import store_claimed
from tests.support.waiting import PATIENCE_S

JOURNAL = "c" * 32
PROJECT = ProjectId(1)
FIRST, SECOND = (ReplayKey(PROJECT, ReplayId(digit * 32)) for digit in "ab")


@pytest.fixture
async def objects(tmp_path: Path) -> AsyncIterator[LocalStore]:
    """Open a store in a folder of its own."""
    store = LocalStore(tmp_path, threads=2)
    yield store
    await store.close()


def make_prepared_segment(key: ReplayKey, video: bytes, *, segment_id: int = 0) -> PreparedSegment:
    """Make a segment of a replay, with a stored video that cannot be played."""
    now = clock.now()
    segment = NewSegment(
        key=key, segment_id=segment_id, received_at=now, drift_ms=0, started_at=now, ended_at=now,
        replay_type="session", is_complete=True, sdk_name=None, facts=JsonText("{}"), user=None,
        screens=(), trace_ids=(),
        recording=b"", counts=RecordingCounts(),
        background_at=None, foreground_at=None, declared_size_px=None,
        video=StoredVideo(len(video), None, None, 0, 0, None, None, "no video"),
        no_video_reason=None,
    )  # fmt: skip
    return PreparedSegment(segment, "replay_video", memoryview(video))


def make_batch(*segments: PreparedSegment, seq: int = 1, day: date | None = None) -> LaidOutBatch:
    """Lay out a batch that begins and ends with one journal entry."""
    prepared = PreparedBatch() if day is None else PreparedBatch(day=day)
    prepared.rows_of(REPLAY_VIDEO).extend(segments)
    return LaidOutBatch.of(prepared, JournalRange(JOURNAL, seq, seq))


async def claim(database: Database) -> ClaimedMark:
    """Claim the mark of the journal, as a process does before it digests."""
    async with database.transaction() as connection:
        return await marks.claim_mark(connection, JOURNAL)


async def sweep_until_done(database, objects) -> None:
    """Sweep until nothing is left to do."""
    while await sweep_once(database, objects):
        pass


async def read_video(database, objects, key: ReplayKey) -> bytes:
    """Read the video of a replay's first segment as a page does."""
    async with database.reading() as connection:
        replay = await queries.find_replay(connection, key)
        assert replay is not None
        (segment,) = await segment_queries.read_segments(connection, key, day=replay.day)
    data: bytes = await objects.read(
        segment.object_key, segment.object_offset, segment.object_bytes
    )
    return data


async def test_a_retry_after_a_lost_commit_restores_no_video(database, objects):
    """A replay deleted between a commit and its retry stays wiped; the other keeps its video."""
    batch = make_batch(
        make_prepared_segment(FIRST, b"AAAAA"), make_prepared_segment(SECOND, b"BBBBB")
    )
    mark = await claim(database)
    before = replace(mark)
    await store_batch(database, objects, batch, mark)
    await erase_replay(database, FIRST, person_id=None, at=clock.now())
    await sweep_until_done(database, objects)
    await store_batch(database, objects, batch, before, is_again=True)
    assert before == mark
    assert await objects.read(batch.pack.key) == b"\0\0\0\0\0BBBBB"
    assert await read_video(database, objects, SECOND) == b"BBBBB"


async def test_a_retry_after_a_lost_commit_restores_no_pack(database, objects):
    """A pack whose only replay was deleted before the retry is not stored again."""
    batch = make_batch(make_prepared_segment(FIRST, b"AAAAA"))
    mark = await claim(database)
    before = replace(mark)
    await store_batch(database, objects, batch, mark)
    await erase_replay(database, FIRST, person_id=None, at=clock.now())
    await sweep_until_done(database, objects)
    await store_batch(database, objects, batch, before, is_again=True)
    assert before == mark
    assert await objects.list("") == []


@pytest.mark.parametrize("is_again", [False, True])
async def test_the_pack_of_a_process_that_lost_its_journal_is_swept(database, objects, is_again):
    """A process whose journal another one has claimed stores nothing, and its pack is removed."""
    first, second = (
        make_batch(make_prepared_segment(FIRST, b"AAAAA")),
        make_batch(make_prepared_segment(FIRST, b"AAAAA")),
    )
    stopped, adopting = await claim(database), await claim(database)
    await store_batch(database, objects, first, adopting)
    if is_again:
        await objects.put(second.pack.key, second.pack.parts)
    with pytest.raises(MarkMovedError):
        await store_batch(database, objects, second, stopped, is_again=is_again)
    await sweep_until_done(database, objects)
    assert [stored_object.key for stored_object in await objects.list("")] == [first.pack.key]
    assert await read_video(database, objects, FIRST) == b"AAAAA"


async def test_a_committed_pack_stays_when_the_journal_is_claimed_before_the_retry(
    database, objects
):
    """A process that never learned of its commit does not discard the pack that rows point at."""
    batch = make_batch(make_prepared_segment(FIRST, b"AAAAA"))
    mark = await claim(database)
    before = replace(mark)
    await store_batch(database, objects, batch, mark)
    assert (await claim(database)).stored_seq == 1
    with pytest.raises(MarkMovedError):
        await store_batch(database, objects, batch, before, is_again=True)
    await sweep_until_done(database, objects)
    assert await read_video(database, objects, FIRST) == b"AAAAA"


@pytest.mark.parametrize(
    "lost", ["update journal_marks set stored_seq = 1", "delete from journal_marks"]
)
async def test_a_mark_that_went_back_is_noticed(database, objects, lost):
    """Postgres that lost a commit is told by the next batch, and by a look at the mark."""
    mark = await claim(database)
    for seq in (1, 2):
        await store_batch(
            database, objects, make_batch(make_prepared_segment(FIRST, b"A"), seq=seq), mark
        )
    async with database.transaction() as connection:
        await connection.execute(text(lost))
        assert await marks.read_mark(connection, JOURNAL) != MarkPosition(mark.epoch, 2)
    third = make_batch(make_prepared_segment(FIRST, b"A"), seq=3)
    with pytest.raises(MarkMovedError):
        await store_batch(database, objects, third, mark)
    again = await claim(database)
    assert again.stored_seq == (1 if "update" in lost else 0)


async def test_a_mark_in_use_is_not_taken(database):
    """Adopting over the bucket leaves a mark alone that was moved or claimed lately."""
    minute = timedelta(minutes=1)
    async with database.transaction() as connection:
        assert await marks.claim_unused_mark(connection, JOURNAL, unused_for=minute)
        assert not await marks.claim_unused_mark(connection, JOURNAL, unused_for=minute)
        await connection.execute(
            text("update journal_marks set moved_at = now() - interval '2 minutes'")
        )
        assert not await marks.claim_unused_mark(connection, JOURNAL, unused_for=minute)
        await connection.execute(
            text("update journal_marks set claimed_at = now() - interval '2 minutes'")
        )
        claimed = await marks.claim_unused_mark(connection, JOURNAL, unused_for=minute)
    assert claimed is not None
    assert claimed.epoch == 2


async def test_old_marks_go_unless_a_process_has_the_journal(database):
    """Marks of hosts that never came back do not stay for ever."""
    await claim(database)
    async with database.transaction() as connection:
        await marks.delete_old_marks(connection, in_use=())
        await connection.execute(
            text("update journal_marks set moved_at = now() - interval '91 days'")
        )
        await marks.delete_old_marks(connection, in_use={JOURNAL})
        assert await marks.read_mark(connection, JOURNAL) is not None
        await marks.delete_old_marks(connection, in_use=())
        assert await marks.read_mark(connection, JOURNAL) is None


async def test_a_mark_is_deleted_by_its_owner_only(database):
    """A process that was adopted does not delete the mark of its adopter."""
    stopped, adopting = await claim(database), await claim(database)
    async with database.transaction() as connection:
        await marks.delete_mark(connection, stopped)
        assert await marks.read_mark(connection, JOURNAL) == MarkPosition(adopting.epoch, 0)
        await marks.delete_mark(connection, adopting)
        assert await marks.read_mark(connection, JOURNAL) is None


async def test_an_adopter_waits_for_the_commit_of_a_dead_process(database, objects):
    """A commit may outlive its process; its pack is neither removed nor stored again."""
    batch = make_batch(make_prepared_segment(FIRST, b"AAAAA"))
    await objects.put(batch.pack.key, batch.pack.parts)
    async with database.transaction() as dying:
        await dying.execute(
            text(
                "insert into journal_marks (journal_id, stored_seq, moved_at) "
                "values (:id, 1, now())"
            ),
            {"id": JOURNAL},
        )
        await dying.execute(
            text("insert into packs (object_key, live) values (:key, 1)"), {"key": batch.pack.key}
        )
        claiming = asyncio.create_task(claim(database))
        waits = text("select count(*) from pg_stat_activity where wait_event_type = 'Lock'")
        async with asyncio.timeout(PATIENCE_S):
            # A transaction sees one snapshot of the waits, so each look has its own.
            while not await _read_value(database, waits):  # noqa: ASYNC110 - Postgres has no event
                await asyncio.sleep(0.01)
        assert not claiming.done()
    claimed = await claiming
    assert claimed.stored_seq == 1
    await remove_uncommitted_objects(database, objects, claimed, since=clock.now())
    assert [stored_object.key for stored_object in await objects.list("")] == [batch.pack.key]


class SlowStore(LocalStore):
    """An object store whose wipes wait for the test."""

    def __init__(self, root: Path) -> None:
        super().__init__(root, threads=1)
        self.has_begun, self.may_end = asyncio.Event(), asyncio.Event()

    @override
    async def wipe(self, key: str, ranges: Sequence[tuple[int, int]]) -> None:
        self.has_begun.set()
        await self.may_end.wait()
        await super().wipe(key, ranges)


async def test_a_slow_wipe_delays_no_other_deletion(database, tmp_path):
    """While S3 rewrites a pack to wipe one replay, its other replays can be deleted."""
    objects = SlowStore(tmp_path)
    third = ReplayKey(PROJECT, ReplayId("d" * 32))
    batch = make_batch(
        make_prepared_segment(FIRST, b"AAAAA"),
        make_prepared_segment(SECOND, b"BBBBB"),
        make_prepared_segment(third, b"CCCCC"),
    )
    await store_claimed(database, objects, batch)
    await erase_replay(database, FIRST, person_id=None, at=clock.now())
    sweeping = asyncio.create_task(sweep_once(database, objects))
    async with asyncio.timeout(PATIENCE_S):
        await objects.has_begun.wait()
        await erase_replay(database, SECOND, person_id=None, at=clock.now())
        await sweep_once(database, objects)  # a second sweep leaves the pack alone
    assert await objects.read(batch.pack.key) == b"AAAAABBBBBCCCCC"
    objects.may_end.set()
    await sweeping
    await sweep_until_done(database, objects)
    assert await objects.read(batch.pack.key) == b"\0" * 10 + b"CCCCC"
    await objects.close()


async def test_the_receipt_counts_every_segment_of_a_removed_pack(database, objects):
    """The receipt counts the segments of a removed pack, also repeated ones."""
    segments = [make_prepared_segment(FIRST, b"%04d" % number) for number in range(1_200)]
    await store_claimed(database, objects, make_batch(*segments))
    await erase_replay(database, FIRST, person_id=None, at=clock.now())
    await sweep_until_done(database, objects)
    async with database.reading() as connection:
        receipt = await queries.find_tombstone(connection, FIRST)
    assert receipt is not None
    assert receipt.objects == 1_200
    assert await objects.list("") == []


async def test_a_batch_may_name_thousands_of_replays(database):
    """The look-up of tombstones takes any number of replays."""
    keys = [ReplayKey(PROJECT, ReplayId(f"{number:032x}")) for number in range(1, 40_000)]
    async with database.transaction() as connection:
        assert await locks.lock_for_adding(connection, keys) == set()


async def _read_value(database: Database, statement: TextClause) -> Any:
    """Read one value in a transaction of its own."""
    async with database.reading() as connection:
        return await connection.scalar(statement)
