"""What events miss is noted once, and goes when their day goes."""

import uuid
from datetime import date, timedelta
from typing import Any

from sqlalchemy import text

from app.core import clock
from app.core.ids import EventId, ProjectId
from app.db.engine import Database
from app.db.partitions import days
from app.db.partitions.days import Partition
from app.symbolication import waiting
from app.symbolication.model import MissingDebugFile, SymbolicatedEvent
from tests.contract.postgres.test_issues import PROJECT, add_batch, make_event

DEBUG_ID = "d9eda8d5-d1d0-5d91-93b5-2943d1938566"
MAPPING = MissingDebugFile(kind="proguard", debug_id=DEBUG_ID, frames=3)


async def note(
    database: Database, event_id: str, *missing: MissingDebugFile, day: date = date(2026, 8, 6)
) -> None:
    """Note what an event misses."""
    key = (PROJECT, EventId(event_id))
    async with database.transaction() as connection:
        await waiting.note_symbolicated(
            connection,
            {key: SymbolicatedEvent(members={}, missing=missing)},
            days={key: day},
            looked_up_at=clock.now(),
        )


async def read_missing(database: Database) -> list[dict[str, Any]]:
    """Return what is noted."""
    async with database.reading() as connection:
        rows = await connection.execute(text("select * from missing_files order by file_key, name"))
        return [dict(row) for row in rows.mappings()]


async def test_files_with_long_names_fit_into_their_index(database):
    """Names and ids that a sender chose are cut, and characters that Postgres refuses replaced."""
    long = MissingDebugFile(
        kind="elf",
        debug_id=None,
        name="\0" + "lib" * 5_000,
        release="r" * 10_000,
        dist="\ud800",
        arch="a" * 10_000,
    )
    await note(database, "ab" * 16, long, long, MAPPING)
    await note(database, "ab" * 16, MAPPING)
    rows = await read_missing(database)
    assert [row["kind"] for row in rows] == ["proguard", "elf"]
    assert all(len(str(value)) <= 500 for row in rows for value in row.values())


async def test_scripts_of_a_release_share_a_key(database):
    """Events that miss a script without debug id are found by its release."""
    scripts = [
        MissingDebugFile(
            kind="artifact_bundle", debug_id=None, name=name, release="shop@1", dist="2"
        )
        for name in ("~/a.js", "~/b.js")
    ]
    await note(database, "ab" * 16, *scripts)
    rows = await read_missing(database)
    assert {row["file_key"] for row in rows} == {waiting.make_release_key("shop@1")}
    assert [row["name"] for row in rows] == ["~/a.js", "~/b.js"]


async def test_a_day_that_is_dropped_takes_what_its_events_miss(database):
    """Dropping a partition runs no trigger, so what its events miss is forgotten before."""
    await add_batch(database, make_event(1, symbolicated=b"packed"))
    async with database.transaction() as connection:
        today = await days.read_today(connection)
    await note(database, make_event(1).event_id, MAPPING, day=today)
    await note(database, uuid.uuid4().hex, MAPPING, day=today - timedelta(days=1))
    async with database.transaction() as connection:
        await waiting.forget_expired(connection, today, 3)
        await days.drop_partition(connection, Partition("events", today, 3))
    (row,) = await read_missing(database)
    assert row["day"] == today - timedelta(days=1)


async def test_looking_up_waits_for_notes_of_the_same_project_only(database):
    """The worker of an upload waits until what was looked up before is committed."""
    async with database.transaction() as connection:
        await waiting.wait_for_lookups(connection, PROJECT)
    async with database.transaction() as first:
        key = (PROJECT, EventId("ab" * 16))
        await waiting.note_symbolicated(
            first,
            {key: SymbolicatedEvent(members={}, missing=(MAPPING,))},
            days={key: date(2026, 8, 6)},
            looked_up_at=clock.now(),
        )
        async with database.transaction() as other:
            await waiting.wait_for_lookups(other, ProjectId(8))
            held = await other.scalar(
                text("select pg_try_advisory_xact_lock(1937337954, hashint8(cast(:id as bigint)))"),
                {"id": PROJECT},
            )
            assert held is False
