"""Partitions of a day are made and dropped by a role that owns no table."""

import asyncio
from collections.abc import AsyncIterator
from datetime import date, timedelta
from typing import Any

import asyncpg
import pytest
from sqlalchemy import text

from app.core.days import OLD_DAY, RetentionClass
from app.core.errors import DatabaseUnavailable
from app.db.engine import Database
from app.db.partitions import days
from app.db.partitions.days import FAMILIES, Partition
from tests.support.servers.postgres import as_app

DAY = date(2026, 3, 1)


@pytest.fixture
async def plain_database(database_url: str) -> AsyncIterator[Database]:
    """A pool of the role that serves requests."""
    pool = Database.open(as_app(database_url), pool_size=3)
    yield pool
    await pool.close()


async def ensure(database: Database, *partitions: Partition) -> None:
    """Make partitions in a transaction of its own."""
    async with database.transaction() as connection:
        await days.ensure_partitions(connection, partitions)


async def list_days(database: Database) -> list[Partition]:
    """List the partitions of the test's day."""
    async with database.reading() as connection:
        return [
            partition
            for partition in await days.list_partitions(connection)
            if partition.day == DAY
        ]


async def run(database: Database, sql: str, **parameters: Any) -> Any:
    """Run a statement in a transaction and return its first value."""
    async with database.transaction() as connection:
        rows = await connection.execute(text(sql), parameters)
        return rows.scalar() if rows.returns_rows else None


ADD_LOG = """
    insert into logs (
        day, retention_class, project_id, log_id, received_at, at, drift_ms, level, body, attributes
    )
    select :day, :class, 1, md5('one')::uuid, now(), now(), 0, 'info', '', ''
    on conflict do nothing returning log_id
"""


async def test_every_family_has_partitions_that_are_made_once(plain_database: Database):
    """To ask for partitions twice makes each of them once."""
    wanted = sorted(
        Partition(family, DAY, retention_class)
        for family in FAMILIES
        for retention_class in RetentionClass
    )
    await ensure(plain_database, *wanted)
    await ensure(plain_database, *wanted, wanted[0])
    assert await list_days(plain_database) == wanted


async def test_processes_that_ask_at_once_make_one_partition(plain_database: Database):
    """No process fails if several ask for the same partition at once."""
    wanted = Partition("logs", DAY, 3)
    await asyncio.gather(*(ensure(plain_database, wanted) for _ in range(3)))
    assert await list_days(plain_database) == [wanted]


async def test_a_partition_is_made_while_others_read_and_write(plain_database: Database):
    """Making a partition waits for no transaction that uses its table, nor the other way round."""
    await ensure(plain_database, Partition("logs", DAY, 3))
    async with plain_database.transaction() as writing:
        await writing.execute(text(ADD_LOG), {"day": DAY, "class": 3})
        async with plain_database.transaction() as making:
            await making.execute(text("set local lock_timeout = '2s'"))
            await days.ensure_partitions(making, [Partition("logs", DAY, 1)])
            await writing.execute(text("select count(*) from logs"))
    assert len(await list_days(plain_database)) == 2


async def test_a_key_is_unique_in_its_partition(plain_database: Database):
    """A second row with one key is refused in the same partition, and not in another."""
    await ensure(plain_database, Partition("logs", DAY, 1), Partition("logs", DAY, 3))
    added = [
        await run(plain_database, ADD_LOG, **{"day": DAY, "class": one}) is not None
        for one in (1, 1, 3)
    ]
    assert added == [True, False, True]


async def test_a_row_without_a_partition_is_no_fault_of_its_content(plain_database: Database):
    """A row whose day was dropped meanwhile lets its batch wait, and does not quarantine it."""
    with pytest.raises(DatabaseUnavailable, match="no partition"):
        await run(plain_database, ADD_LOG, **{"day": DAY, "class": 3})


async def test_a_dropped_day_takes_its_rows_along(plain_database: Database):
    """Dropping a partition removes its rows and no others; dropping it again does nothing."""
    gone, kept = Partition("logs", DAY, 1), Partition("logs", DAY, 3)
    await ensure(plain_database, gone, kept)
    for one in (gone, kept):
        await run(plain_database, ADD_LOG, **{"day": DAY, "class": one.retention_class})
    for is_there in (True, False):
        async with plain_database.transaction() as connection:
            assert await days.drop_partition(connection, gone) is is_there
    assert await run(plain_database, "select array_agg(retention_class) from logs") == [3]


async def test_the_old_partition_is_dropped_once_it_is_empty(plain_database: Database):
    """The partition of releases before days is kept as long as it holds a row."""
    await run(plain_database, ADD_LOG, **{"day": OLD_DAY, "class": 3})
    for is_dropped in (False, True, False):
        async with plain_database.transaction() as connection:
            assert await days.drop_old_partition(connection, "logs") is is_dropped
        await run(plain_database, "delete from logs")


async def test_the_days_ahead_are_made_of_what_today_has(plain_database: Database):
    """Tomorrow has the partitions of today, but for those that hold what is kept for longer."""
    async with plain_database.transaction() as connection:
        today = await days.read_today(connection)
        await days.ensure_partitions(
            connection,
            [Partition("logs", today, retention_class) for retention_class in RetentionClass],
        )
        await days.make_days_ahead(connection)
        classes = {
            partition.retention_class
            for partition in await days.list_partitions(connection, ["logs"])
            if partition.day == today + timedelta(days=1)
        }
    assert classes == {1, 2, 3}


@pytest.mark.parametrize(
    ("family", "day", "retention_class"),
    [
        ("projects", DAY, 3),
        ("logs; drop table people", DAY, 3),
        ("logs", date(1999, 12, 31), 3),
        ("logs", date(2999, 1, 1), 3),
        ("logs", DAY, 4),
    ],
)
async def test_no_other_table_can_be_made_or_dropped(
    plain_database: Database, family: str, day: date, retention_class: int
):
    """The functions of the owner make partitions of rows only, and drop nothing else."""
    with pytest.raises(asyncpg.PostgresError, match="no partition of"):
        await ensure(plain_database, Partition(family, day, retention_class))
    async with plain_database.transaction() as connection:
        partition = Partition(family, day, retention_class)
        assert not await days.drop_partition(connection, partition)
        assert not await days.drop_old_partition(connection, family) or family == "logs"
