"""What interrupts the sealing of a replay: deletions, segments, outages, and processes held up."""

from collections.abc import Sequence
from typing import Any, override

import pytest
from sqlalchemy import text

from app.core import clock
from app.core.errors import ServiceUnavailable
from app.core.ids import ProjectId, ReplayId
from app.erasure.replay import erase_replay
from app.erasure.sweep import sweep_once
from app.replays import queries
from app.replays.model import ReplayKey
from app.storage.disk.local import LocalStore
from app.storage.port import ObjectContent
from tests.support import sealing
from tests.support.builders.stored_segments import SegmentWriter, make_prepared_segment

FIRST = ReplayKey(ProjectId(1), ReplayId("a" * 32))


async def read_value(database, statement: str) -> Any:
    """Read one value."""
    async with database.reading() as connection:
        return await connection.scalar(text(statement))


async def close_all(database, store, **options: Any) -> None:
    """Close and seal every replay that is open."""
    await sealing.make_closer(database, store, **options).close_due_replays()


class HookedStore(LocalStore):
    """An object store that lets a test do something before or after a put, or after its check."""

    before_put: Any = None
    after_put: Any = None
    after_check: Any = None

    @override
    async def put_many(self, objects: Sequence[tuple[str, ObjectContent]]) -> None:
        if self.before_put is not None:
            before_put, self.before_put = self.before_put, None
            await before_put()
        await super().put_many(objects)
        if self.after_put is not None:
            after_put, self.after_put = self.after_put, None
            await after_put()

    @override
    async def read(self, key: str, offset: int = 0, length: int | None = None) -> bytes:
        data = await super().read(key, offset, length)
        if self.after_check is not None and not data:  # the check ends beyond the last byte
            after_check, self.after_check = self.after_check, None
            await after_check()
        return data


@pytest.fixture
async def hooked(tmp_path):
    """Open a store whose puts can be interrupted."""
    store = HookedStore(tmp_path, threads=2)
    yield store
    await store.close()


async def test_a_replay_deleted_while_it_is_sealed_leaves_nothing(database, hooked):
    """The object that was put for it goes too, and the receipt is written after that."""
    await SegmentWriter(database, hooked).add(make_prepared_segment(FIRST))

    async def delete() -> None:
        await erase_replay(database, FIRST, person_id=None, at=clock.now())
        while await sweep_once(database, hooked):
            pass
        async with database.reading() as connection:
            receipt = await queries.find_tombstone(connection, FIRST)
        assert receipt is not None
        assert receipt.swept_at is None

    hooked.after_put = delete
    await close_all(database, hooked)
    while await sweep_once(database, hooked):
        pass
    assert await sealing.list_objects(hooked) == []
    async with database.reading() as connection:
        receipt = await queries.find_tombstone(connection, FIRST)
    assert receipt is not None
    assert receipt.swept_at is not None
    assert await read_value(database, "select count(*) from open_replays") == 0


async def test_a_segment_that_comes_during_sealing_is_not_lost(database, hooked):
    """The replay is not sealed as it was read, and closes again."""
    writer = SegmentWriter(database, hooked)
    await writer.add(make_prepared_segment(FIRST, 0))

    async def send() -> None:
        await writer.add(make_prepared_segment(FIRST, 1, video=b"during"))

    hooked.after_put = send
    closer = sealing.make_closer(database, hooked)
    await closer.close_due_replays()
    await closer.close_due_replays()
    parts = await sealing.read_parts(database, hooked, FIRST)
    assert [part.video for part in parts.values()] == [b"video", b"during"]
    await sealing.sweep_everything(database, hooked)
    assert len(await sealing.list_objects(hooked)) == 1
    assert await sealing.find_faults(database, hooked) == []


@pytest.mark.parametrize("moment", ["before_put", "after_check"])
async def test_an_object_that_expired_is_never_pointed_at(database, hooked, moment):
    """A process that was held up for an hour starts again, and leaves no object behind."""
    writer = SegmentWriter(database, hooked)
    await writer.add(*(make_prepared_segment(FIRST, number) for number in range(2)))
    before = await sealing.read_parts(database, hooked, FIRST)

    async def expire() -> None:
        async with database.transaction() as connection:
            await connection.execute(text("update expiring_objects set expires_at = now()"))
        await sweep_once(database, hooked)

    setattr(hooked, moment, expire)
    # Each part lies in an object of its own: those that follow have not expired.
    await close_all(database, hooked, object_bytes=1)
    assert await sealing.read_parts(database, hooked, FIRST) == before
    sealed = await read_value(database, "select count(*) from replays where sealed_at is not null")
    assert sealed == 1
    await sealing.sweep_everything(database, hooked)
    assert await sealing.find_faults(database, hooked) == []


async def test_a_late_object_is_removed_though_sealing_is_given_up(database, hooked, monkeypatch):
    """A process that was held up while it put the first of several objects takes too long."""
    writer = SegmentWriter(database, hooked)
    await writer.add(*(make_prepared_segment(FIRST, number) for number in range(2)))
    before = await sealing.read_parts(database, hooked, FIRST)
    late_s = clock.monotonic_s() + 3_700

    async def expire() -> None:
        async with database.transaction() as connection:
            await connection.execute(text("update expiring_objects set expires_at = now()"))
        await sweep_once(database, hooked)
        monkeypatch.setattr(clock, "monotonic_s", lambda: late_s)

    hooked.before_put = expire
    await close_all(database, hooked, object_bytes=1)
    assert "too long" in await read_value(database, "select fault from open_replays")
    monkeypatch.undo()
    await sealing.sweep_everything(database, hooked)
    assert await sealing.read_parts(database, hooked, FIRST) == before
    assert await sealing.find_faults(database, hooked) == []


async def test_storage_that_is_away_delays_sealing(database, hooked):
    """The replay stays as it is, and is tried again after a pause."""
    await SegmentWriter(database, hooked).add(make_prepared_segment(FIRST))

    async def fail() -> None:
        raise ServiceUnavailable("no answer")

    hooked.after_put = fail
    closer = sealing.make_closer(database, hooked)
    assert await closer.close_due_replays() == 0
    waits_s = await read_value(
        database, "select extract(epoch from check_at - now())::float from open_replays"
    )
    assert 0 < waits_s <= 15
    assert await read_value(database, "select fault from open_replays") == "no answer"
    await sealing.sweep_everything(database, hooked)
    assert await sealing.find_faults(database, hooked) == []
