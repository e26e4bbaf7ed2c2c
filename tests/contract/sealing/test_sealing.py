"""Sealing moves all of a replay into objects of its own, and loses, doubles and changes nothing."""

import asyncio
from collections.abc import Sequence
from typing import Any, override

from sqlalchemy import text

from app.closing.closer import Closer
from app.closing.sealing.sealer import Sealer
from app.core import clock
from app.core.ids import ProjectId, ReplayId
from app.erasure.replay import erase_replay
from app.erasure.sweep import sweep_once
from app.replays import queries
from app.replays.deletion import expire
from app.replays.model import ReplayKey
from app.storage.disk.local import LocalStore
from app.storage.port import ObjectContent
from tests.support import sealing
from tests.support.builders.stored_segments import (
    SegmentWriter,
    make_prepared_segment,
    make_recording,
)

FIRST, SECOND = (ReplayKey(ProjectId(1), ReplayId(digit * 32)) for digit in "ab")


async def read_value(database, statement: str) -> Any:
    """Read one value."""
    async with database.reading() as connection:
        return await connection.scalar(text(statement))


async def close_all(database, store, **options: Any) -> None:
    """Close and seal every replay that is open."""
    await sealing.make_closer(database, store, **options).close_due_replays()


async def test_a_sealed_replay_lies_in_one_object(database, store, writer):
    """Recordings come first, then videos; the packs that it shared go with their last replay."""
    await writer.add(make_prepared_segment(FIRST, 0, video=b"AAAA"), make_prepared_segment(SECOND))
    await writer.add(make_prepared_segment(FIRST, 1, video=b"BB"))
    before = await sealing.read_parts(database, store, FIRST)
    second = await sealing.read_parts(database, store, SECOND)
    assert [parts.video for parts in before.values()] == [b"AAAA", b"BB"]
    await close_all(database, store)
    await sealing.sweep_everything(database, store)
    assert await sealing.read_parts(database, store, FIRST) == before
    assert await sealing.read_parts(database, store, SECOND) == second
    segments = await sealing.read_segments(database, store, FIRST)
    (object_key,) = {segment.object_key for segment in segments}
    assert {segment.recording_key for segment in segments} == {object_key}
    assert await store.read(object_key) == sealing.join_parts(before)
    assert len(await sealing.list_objects(store)) == 2
    assert await sealing.find_faults(database, store) == []
    assert await read_value(database, "select count(*) from open_replays") == 0
    assert (
        await read_value(database, "select count(*) from segments where recording is not null") == 0
    )


async def test_sealing_twice_changes_nothing(database, store, writer):
    """A step that is repeated after a crash finds that it is done."""
    await writer.add(make_prepared_segment(FIRST))
    await close_all(database, store)
    sealed_at = await read_value(database, "select sealed_at from replays")
    assert sealed_at is not None
    async with database.transaction() as connection:
        await connection.execute(
            text("insert into open_replays select project_id, replay_id, now() from replays")
        )
    await close_all(database, store)
    assert await read_value(database, "select sealed_at from replays") == sealed_at
    assert await read_value(database, "select count(*) from open_replays") == 0


async def test_a_late_segment_is_merged_by_a_second_sealing(database, store, writer):
    """A late segment reopens the replay, and the next sealing writes one new object for all."""
    await writer.add(make_prepared_segment(FIRST, 0), make_prepared_segment(FIRST, 1))
    await close_all(database, store)
    sealed = await sealing.read_parts(database, store, FIRST)
    (first_key,) = {
        segment.object_key for segment in await sealing.read_segments(database, store, FIRST)
    }
    await writer.add(make_prepared_segment(FIRST, 2, video=b"late"))
    assert await read_value(database, "select closed_at from replays") is None
    beside = await sealing.read_parts(database, store, FIRST)
    assert beside == {**sealed, 2: sealing.StoredParts(make_recording("note 2"), b"late")}
    await close_all(database, store)
    assert await sealing.read_parts(database, store, FIRST) == beside
    assert await store.read(first_key) == sealing.join_parts(sealed)  # for those who still read it
    await sealing.sweep_everything(database, store)
    (merged_key,) = await sealing.list_objects(store)
    assert await store.read(merged_key) == sealing.join_parts(beside)
    assert await sealing.find_faults(database, store) == []


async def test_a_video_gained_after_sealing_is_merged(database, store, writer):
    """A segment that came without video, and comes again with it, keeps its sealed recording."""
    await writer.add(make_prepared_segment(FIRST, 0), make_prepared_segment(FIRST, 1, video=None))
    await close_all(database, store)
    await writer.add(make_prepared_segment(FIRST, 1, video=b"gained"))
    gained = await sealing.read_parts(database, store, FIRST)
    assert gained[1] == sealing.StoredParts(make_recording("note 1"), b"gained")
    await close_all(database, store)
    await sealing.sweep_everything(database, store)
    assert await sealing.read_parts(database, store, FIRST) == gained
    assert len(await sealing.list_objects(store)) == 1
    assert await sealing.find_faults(database, store) == []


async def test_a_replay_without_video_is_sealed(database, store, writer):
    """The object of such a replay holds recordings only, also empty ones."""
    await writer.add(
        make_prepared_segment(FIRST, 0, video=None),
        make_prepared_segment(FIRST, 1, video=None, recording=b""),
    )
    before = await sealing.read_parts(database, store, FIRST)
    await close_all(database, store)
    assert await sealing.read_parts(database, store, FIRST) == before
    assert await sealing.find_faults(database, store) == []


async def test_a_large_replay_lies_in_several_objects(database, store, writer):
    """Objects have a limit; all recordings lie in the first of them."""
    for segment_id in range(6):
        video = bytes([65 + segment_id]) * 400
        await writer.add(make_prepared_segment(FIRST, segment_id, video=video))
    before = await sealing.read_parts(database, store, FIRST)
    await close_all(database, store, object_bytes=1_000)
    await sealing.sweep_everything(database, store)
    assert await sealing.read_parts(database, store, FIRST) == before
    sizes = [stored.size_bytes for stored in await store.list("")]
    assert len(sizes) > 2
    assert max(sizes) <= 1_000
    segments = await sealing.read_segments(database, store, FIRST)
    assert len({segment.recording_key for segment in segments}) == 1
    assert await sealing.find_faults(database, store) == []


async def test_a_video_whose_object_is_gone_stays_where_it_is(database, store, writer):
    """The rest is sealed, and the segment goes on pointing at the object that may come back."""
    await writer.add(make_prepared_segment(FIRST, 0, video=b"lost"))
    (pack_key,) = await sealing.list_objects(store)
    await writer.add(make_prepared_segment(FIRST, 1, video=b"here"))
    await store.delete(pack_key)
    await close_all(database, store)
    lost, here = await sealing.read_segments(database, store, FIRST)
    assert (lost.object_key, lost.recording) == (pack_key, make_recording("note 0"))
    assert here.object_key == here.recording_key == lost.recording_key
    assert await read_value(database, "select count(*) from open_replays") == 0


async def test_deleting_a_sealed_replay_leaves_nothing(database, store, writer):
    """Sealed objects are deleted whole, and older copies in a pack that others use are wiped."""
    await writer.add(make_prepared_segment(FIRST, video=b"gone"), make_prepared_segment(SECOND))
    (pack_key,) = await sealing.list_objects(store)
    async with database.transaction() as connection:
        await connection.execute(
            text("delete from open_replays where replay_id = :id"), {"id": SECOND.replay_id}
        )
    await close_all(database, store)
    assert await store.read(pack_key) == b"gonevideo"
    await erase_replay(database, FIRST, person_id=None, at=clock.now())
    while await sweep_once(database, store):
        pass
    assert await store.read(pack_key) == b"\0\0\0\0video"
    assert await sealing.list_objects(store) == [pack_key]
    async with database.reading() as connection:
        receipt = await queries.find_tombstone(connection, FIRST)
    assert receipt is not None
    assert receipt.swept_at is not None
    assert (receipt.segments, receipt.objects) == (1, 2)
    assert await sealing.find_faults(database, store) == []


async def test_a_rule_ends_a_sealed_replay_whole(database, store, writer):
    """The sealed object and its row are deleted, and nothing is rewritten."""
    await writer.add(make_prepared_segment(FIRST, video=b"gone"), make_prepared_segment(SECOND))
    await close_all(database, store)
    async with database.transaction() as connection:
        await expire.expire_replays(
            connection, [FIRST], rule="30 days", at=clock.now(), keeps_segments=False
        )
    await sealing.sweep_everything(database, store)
    (kept_key,) = await sealing.list_objects(store)
    assert SECOND.replay_id in kept_key
    assert await sealing.find_faults(database, store) == []
    async with database.reading() as connection:
        receipt = await queries.find_tombstone(connection, FIRST)
    assert receipt is not None
    assert receipt.swept_at is not None


async def test_a_replay_of_an_older_release_moves_to_its_own_day(database, store, writer):
    """Sealing moves its rows to the partition of its day, and its object under that day."""
    await writer.add(make_prepared_segment(FIRST, 0), make_prepared_segment(FIRST, 1, video=None))
    before = await sealing.read_parts(database, store, FIRST)
    async with database.transaction() as connection:
        for table in ("replays", "segments"):
            await connection.execute(text(f"update {table} set day = '1970-01-01'"))
        await connection.execute(
            text("update replays set first_received_at = now() - interval '40 days'")
        )
    assert await sealing.read_parts(database, store, FIRST) == before
    await close_all(database, store)
    assert await sealing.read_parts(database, store, FIRST) == before
    day = await read_value(database, "select (now() at time zone 'utc')::date - 40")
    for table in ("replays", "segments"):
        assert await read_value(database, f"select min(day) from {table}") == day
        assert await read_value(database, f"select max(day) from {table}") == day
    totals = "select array_agg(array[day::text, items::text, size_bytes::text]) from storage_days"
    videos = await read_value(database, f"{totals} where kind = 'video' and items > 0")
    assert videos == [[str(day), "1", "5"]]
    await sealing.sweep_everything(database, store)
    (object_key,) = await sealing.list_objects(store)
    assert object_key.startswith(f"{day}/1/{FIRST.replay_id}/sealed-")
    assert await sealing.find_faults(database, store) == []


async def test_a_pack_goes_when_all_its_replays_are_sealed(database, store, writer):
    """The pack stays for some minutes, for those who are reading it, and is then deleted whole."""
    await writer.add(make_prepared_segment(FIRST), make_prepared_segment(SECOND))
    (pack_key,) = await sealing.list_objects(store)
    await close_all(database, store)
    await sweep_once(database, store)
    assert await store.read(pack_key) == b"videovideo"
    await sealing.sweep_everything(database, store)
    assert pack_key not in await sealing.list_objects(store)
    assert await read_value(database, "select count(*) from pack_outbox") == 0


class LyingStore(LocalStore):
    """An object store that stores another byte than it is given."""

    lies = False

    @override
    async def put_many(self, objects: Sequence[tuple[str, ObjectContent]]) -> None:
        if self.lies:
            objects = [(key, bytes(content)[:-1] + b"?") for key, content in objects]  # type: ignore[arg-type]
        await super().put_many(objects)


async def test_what_was_put_is_compared_before_older_copies_go(database, tmp_path):
    """A store that changes a byte costs nothing: the replay stays as it is and is tried again."""
    lying = LyingStore(tmp_path, threads=2)
    await SegmentWriter(database, lying).add(make_prepared_segment(FIRST))
    before = await sealing.read_parts(database, lying, FIRST)
    lying.lies = True
    closer = sealing.make_closer(database, lying)
    assert await closer.close_due_replays() == 0
    assert closer.step_failures == {"seal": 1}
    assert await sealing.read_parts(database, lying, FIRST) == before
    fault = await read_value(database, "select fault from open_replays")
    assert "differs from what was put" in fault
    lying.lies = False
    async with database.transaction() as connection:
        await connection.execute(text("update open_replays set check_at = now()"))
    assert await closer.close_due_replays() == 1
    await sealing.sweep_everything(database, lying)
    assert await sealing.read_parts(database, lying, FIRST) == before
    assert await sealing.find_faults(database, lying) == []
    await lying.close()


async def test_several_processes_seal_each_replay_once(database, store, writer):
    """Closers that run at the same time share the work."""
    keys = [ReplayKey(ProjectId(1), ReplayId(f"{number:032x}")) for number in range(1, 9)]
    for segment_id in range(2):
        await writer.add(*(make_prepared_segment(key, segment_id) for key in keys))
    closers = [Closer(database, [Sealer(database, store)], quiet=sealing.NOW) for _ in range(3)]
    closed = await asyncio.gather(*(closer.close_due_replays() for closer in closers))
    assert sum(closed) == len(keys)
    await sealing.sweep_everything(database, store)
    assert len(await sealing.list_objects(store)) == len(keys)
    assert await sealing.find_faults(database, store) == []
