"""The first row of a replay decides its day, whichever processes store its segments."""

import asyncio
from datetime import date, timedelta

from sqlalchemy import text

from app.core import clock
from app.core.days import OLD_DAY, BatchDays, DaySlot
from app.db.engine import Database
from app.db.partitions import days
from app.db.partitions.days import Partition
from app.ingest.digest.uncommitted import remove_uncommitted_objects
from app.replays import locks, queries, writes
from app.storage.disk.local import LocalStore
from tests.contract.postgres.test_packs import (
    FIRST,
    SECOND,
    claim,
    make_batch,
    make_prepared_segment,
    objects,
)
from tests.support.builders.stored_segments import store_claimed
from tests.support.waiting import until_asked

__all__ = ["objects"]
"""The fixture of the tests of packs serves these tests too."""

WAITING = text("select count(*) from pg_stat_activity where wait_event_type = 'Lock'")
SLOTS = "select distinct day, retention_class from segments"


async def is_somebody_waiting(database: Database) -> bool:
    """Tell whether a transaction waits for another one."""
    async with database.reading() as connection:
        return bool(await connection.scalar(WAITING))


async def read_slots(database: Database) -> list[DaySlot]:
    """Read the days and classes that segments have."""
    async with database.reading() as connection:
        return [DaySlot(*row) for row in await connection.execute(text(SLOTS))]


async def test_two_processes_at_midnight_agree_on_the_day(database: Database, objects: LocalStore):
    """The second one waits for the first one's row, and stores its segment on that day."""
    other = make_batch(make_prepared_segment(FIRST, b"B", segment_id=1))
    async with database.transaction() as before_midnight:
        yesterday = await days.read_today(before_midnight) - timedelta(days=1)
        await days.ensure_partitions(before_midnight, [Partition("segments", yesterday, 3)])
        batch = make_batch(make_prepared_segment(FIRST, b"A"))
        await locks.lock_for_adding(before_midnight, [FIRST])
        assumed = BatchDays(yesterday, slot_by_replay={FIRST: DaySlot(yesterday, 3)})
        await writes.add_segments(before_midnight, batch.pack.placed, pack_id=1, days=assumed)
        storing = asyncio.create_task(store_claimed(database, objects, other))
        await until_asked(lambda: is_somebody_waiting(database))
    await storing
    assert await read_slots(database) == [DaySlot(yesterday, 3)]
    async with database.reading() as connection:
        replay = await queries.find_replay(connection, FIRST)
    assert replay is not None
    assert (replay.day, replay.segments) == (yesterday, 2)


async def test_a_late_segment_follows_a_replay_that_is_moved_meanwhile(
    database: Database, objects: LocalStore
):
    """Digest that read the old day of a replay stores its segment on the new one."""
    await store_claimed(database, objects, make_batch(make_prepared_segment(FIRST, b"A")))
    [slot] = await read_slots(database)
    async with database.transaction() as moving:
        await moving.execute(text(f"update segments set day = '{OLD_DAY}'"))
        await moving.execute(text(f"update replays set day = '{OLD_DAY}'"))
    late = make_batch(make_prepared_segment(FIRST, b"B", segment_id=1), seq=2)
    async with database.transaction() as moving:
        await moving.execute(text("update segments set day = :day"), {"day": slot.day})
        await moving.execute(text("update replays set day = :day"), {"day": slot.day})
        storing = asyncio.create_task(store_claimed(database, objects, late))
        await until_asked(lambda: is_somebody_waiting(database))
    await storing
    assert await read_slots(database) == [slot]


async def test_packs_of_both_sides_of_midnight_are_found(database: Database, objects: LocalStore):
    """An adopter removes what a dead process put on any day since its mark, old keys as well."""
    await store_claimed(database, objects, make_batch(make_prepared_segment(FIRST, b"A")))
    mark = await claim(database)
    kept = {each.key for each in await objects.list("")}
    today = clock.now().date()
    for number, day in enumerate([OLD_DAY, today - timedelta(days=3), today]):
        lost = make_batch(make_prepared_segment(SECOND, b"B"), seq=2 + number, day=day)
        await objects.put(lost.pack.key, lost.pack.parts)
    since = mark.moved_at - timedelta(days=3)
    await remove_uncommitted_objects(database, objects, mark, since=since)
    assert {each.key for each in await objects.list("")} == kept


def test_a_day_is_that_of_utc():
    """The name of a partition has the UTC date, whatever the local time."""
    assert Partition("segments", date(2026, 3, 1), 3).name == "segments_20260301_3"
