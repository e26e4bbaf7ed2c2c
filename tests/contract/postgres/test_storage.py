"""The totals of what projects store agree with the rows, whatever happens to these."""

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from sqlalchemy import text

from app.core import clock
from app.core.ids import ProjectId
from app.db.engine import Database
from app.db.partitions import days
from app.db.partitions.days import Partition
from app.erasure.replay import erase_replay
from app.ingest.digest.marks import JournalRange
from app.ingest.digest.store import LaidOutBatch
from app.ingest.items.attachment import ATTACHMENT
from app.ingest.items.batch_files import PreparedFile
from app.ingest.items.event import EVENT
from app.ingest.items.item_type import PreparedBatch
from app.ingest.items.log import LOG
from app.ingest.items.replay_video import REPLAY_VIDEO
from app.ingest.items.span import SPAN
from app.issues.deletion import erase as issue_erase
from app.issues.model import NewAttachment
from app.projects import storage
from app.projects.storage import StorageKind
from app.storage.disk.local import LocalStore
from app.traces.model import NewLog
from tests.contract.postgres.test_issues import ISSUE, PROJECT as ISSUE_PROJECT, make_event
from tests.contract.postgres.test_packs import (
    FIRST,
    PROJECT,
    SECOND,
    make_batch,
    make_prepared_segment,
    objects,
)
from tests.contract.postgres.test_spans import make_block, make_span
from tests.support.builders.stored_segments import store_claimed

__all__ = ["objects"]
"""The fixture of the tests of packs serves these tests too."""

NOON = datetime(2026, 8, 6, 12, tzinfo=UTC)
ROWS = f"""
    select project_id, day, 'recordings', count(*), sum({storage.SEGMENT_BYTES}
        + coalesce(octet_length(recording), recording_bytes, 0) + coalesce(octet_length(layout), 0))
    from segments group by 1, 2
    union all
    select project_id, day, 'video', count(*), sum(object_bytes)
    from segments where pack_id is not null group by 1, 2
    union all
    select project_id, day, 'events', count(*), sum({storage.EVENT_BYTES} + octet_length(payload))
    from events group by 1, 2
    union all
    select project_id, day, 'spans', sum(spans), sum({storage.BLOCK_BYTES} + octet_length(content))
    from span_blocks group by 1, 2
    union all
    select project_id, day, 'logs', count(*),
        sum({storage.LOG_BYTES} + octet_length(body) + octet_length(attributes))
    from logs group by 1, 2
    union all
    select project_id, day, 'attachments', count(*), sum({storage.ATTACHMENT_BYTES} + size_bytes)
    from attachments group by 1, 2
"""
TOTALS = """
    select project_id, day, kind, items, size_bytes from storage_days
    where items <> 0 or size_bytes <> 0
"""


async def read_totals(database: Database, sql: str = TOTALS) -> set[tuple[Any, ...]]:
    """Read the totals as they are kept, or as they follow from the rows."""
    async with database.reading() as connection:
        return {(*row[:3], int(row[3]), int(row[4])) for row in await connection.execute(text(sql))}


async def run(database: Database, sql: str, **parameters: Any) -> None:
    """Run a statement in a transaction of its own."""
    async with database.transaction() as connection:
        await connection.execute(text(sql), parameters)


def make_log(number: int) -> NewLog:
    """Make a log record with text outside of ASCII."""
    return NewLog(
        PROJECT, f"{number:032x}", NOON, NOON, 0, "info", "paid 5 €", None, None, None, None, None,
        b"packed",
    )  # fmt: skip


def make_full_batch(seq: int) -> LaidOutBatch:
    """Lay out a batch with rows of every kind, some of them twice."""
    prepared = PreparedBatch()
    prepared.rows_of(REPLAY_VIDEO).extend(
        make_prepared_segment(key, b"video" * (1 + number), segment_id=number)
        for number, key in enumerate((FIRST, FIRST, SECOND))
    )
    prepared.rows_of(EVENT).extend([make_event(1), make_event(2), make_event(1)])
    prepared.rows_of(SPAN).extend([make_block(1, make_span(1), make_span(2)), make_block(2)])
    prepared.rows_of(LOG).extend([make_log(1), make_log(2), make_log(2)])
    event_id = make_event(1).event_id
    file = NewAttachment(
        ISSUE_PROJECT, event_id, "9" * 64, "a.txt", None, "event.attachment", NOON, 4, prepared.day
    )
    prepared.rows_of(ATTACHMENT).append(PreparedFile(file, memoryview(b"file")))
    return LaidOutBatch.of(prepared, JournalRange("d" * 32, seq, seq))


@pytest.fixture
async def stored(database: Database, objects: LocalStore) -> Database:
    """A database with rows of every kind."""
    await store_claimed(database, objects, make_full_batch(1))
    return database


async def test_what_is_stored_is_counted_once(stored: Database, objects: LocalStore):
    """Totals are those of the rows, and a second delivery leaves them as they are."""
    totals = await read_totals(stored)
    assert totals == await read_totals(stored, ROWS)
    assert {row[2] for row in totals} == set(StorageKind) - {
        StorageKind.PICTURES,
        StorageKind.CLIPS,
    }
    await store_claimed(stored, objects, make_full_batch(2))
    assert await read_totals(stored) == totals == await read_totals(stored, ROWS)


async def test_a_video_that_comes_later_is_counted(database: Database, objects: LocalStore):
    """A row that gains its video adds the video's bytes, and no recording."""
    bare = make_prepared_segment(FIRST, b"")
    bare = msgspec.structs.replace(
        bare, video=None, segment=msgspec.structs.replace(bare.segment, video=None)
    )
    await store_claimed(database, objects, make_batch(bare))
    await store_claimed(
        database, objects, make_batch(make_prepared_segment(FIRST, b"A" * 9), seq=2)
    )
    totals = await read_totals(database)
    assert totals == await read_totals(database, ROWS)
    assert (StorageKind.VIDEO, 1, 9) in {row[2:] for row in totals}


async def test_what_is_deleted_is_subtracted(stored: Database):
    """The deletion of a replay, of an issue and of single rows leaves totals of what is left."""
    await erase_replay(stored, FIRST, person_id=None, at=clock.now())
    async with stored.transaction() as connection:
        erased = await issue_erase.erase_issue_rows(connection, (ISSUE_PROJECT, ISSUE), at=NOON)
    assert erased is not None
    assert (erased.events, erased.files) == (2, 1)
    await run(stored, "delete from logs where log_id = cast(:id as uuid)", id=f"{1:032x}")
    totals = await read_totals(stored)
    assert totals == await read_totals(stored, ROWS)
    assert {row[2:4] for row in totals} == {
        ("recordings", 1), ("video", 1), ("spans", 2), ("logs", 1),
    }  # fmt: skip


@pytest.mark.parametrize("table", days.FAMILIES)
async def test_rows_take_their_bytes_to_another_day(stored: Database, table: str):
    """A row that moves to another partition is counted there; its class does not matter."""
    async with stored.transaction() as connection:
        day = await days.read_today(connection) - timedelta(days=9)
        await days.ensure_partitions(connection, [Partition(table, day, 1)])
    await run(stored, f"update {table} set day = :day, retention_class = 1", day=day)
    totals = await read_totals(stored)
    assert totals == await read_totals(stored, ROWS)
    assert day in {row[1] for row in totals}


async def test_a_sealed_recording_counts_as_before(stored: Database):
    """A recording that leaves Postgres for a pack still counts with its bytes."""
    before = await read_totals(stored)
    await run(
        stored,
        "update segments set recording_bytes = octet_length(recording), recording_offset = 0,"
        " recording = null",
    )
    assert await read_totals(stored) == before


async def test_limits_are_about_videos_and_files(stored: Database):
    """Rows in Postgres do not count against the limit of a project."""
    async with stored.reading() as connection:
        sums = await storage.sum_limited_bytes(connection, [PROJECT, ISSUE_PROJECT, ProjectId(99)])
    assert sums == {PROJECT: (30, 0), ISSUE_PROJECT: (0, 4), ProjectId(99): (0, 0)}


async def test_totals_of_a_dropped_day_are_deleted(stored: Database):
    """Whoever drops a day deletes its totals, and only those of the projects named."""
    async with stored.transaction() as connection:
        today = await days.read_today(connection)
        await storage.delete_storage_days(connection, [PROJECT], today)
        rest = await storage.read_storage_days(connection, [PROJECT, ISSUE_PROJECT], since=today)
    assert {total.key.project_id for total in rest} == {ISSUE_PROJECT}
