"""Transactions, and what an outage looks like to a story."""

import asyncio
import socket
from pathlib import Path

import asyncpg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, IntegrityError

from app.core.errors import DatabaseUnusable, ServiceUnavailable
from app.db import engine
from app.db.engine import Database
from tests.support.servers.postgres import run_sql

TABLE = "create table numbers (x int primary key)"


async def count(database: Database) -> int:
    """Count the rows that others can see."""
    async with database.reading() as connection:
        return int((await connection.execute(text("select count(*) from numbers"))).scalar_one())


async def add(database: Database, number: int) -> None:
    """Add a row in a transaction of its own."""
    async with database.transaction() as connection:
        await connection.execute(text("insert into numbers values (:x)"), {"x": number})


async def test_a_block_that_ends_commits_and_one_that_raises_does_not(
    database: Database, database_url: str
):
    """All of a transaction or nothing of it."""
    await run_sql(database_url, TABLE)
    await add(database, 1)

    async def add_and_fail() -> None:
        async with database.transaction() as connection:
            await connection.execute(text("insert into numbers values (2)"))
            raise KeyError

    with pytest.raises(KeyError):
        await add_and_fail()
    assert await count(database) == 1


async def test_reading_changes_nothing(database: Database, database_url: str):
    """A write in a reading block is gone when it ends."""
    await run_sql(database_url, TABLE)
    async with database.reading() as connection:
        await connection.execute(text("insert into numbers values (1)"))
    assert await count(database) == 0


async def test_errors_of_content_are_not_outages(database: Database, database_url: str):
    """A broken rule is the caller's: trying again would not help."""
    await run_sql(database_url, TABLE)
    await add(database, 1)
    with pytest.raises(IntegrityError):
        await add(database, 1)
    for sql in ("select 1/0", "select '\\u0000'::jsonb"):
        with pytest.raises(DBAPIError):
            async with database.reading() as connection:
                await connection.execute(text(sql))


@pytest.mark.parametrize(
    "code",
    ["08006", "25006", "40001", "40P01", "53300", "55006", "55P03", "57P01", "58030", "72000"],
)
async def test_errors_that_pass_are_outages(database: Database, code: str):
    """Connection lost, read-only, deadlock, full, shut down: try again later."""
    raising = f"do $$ begin raise exception 'x' using errcode = '{code}'; end $$"
    with pytest.raises(ServiceUnavailable):
        async with database.transaction() as connection:
            await connection.exec_driver_sql(raising)


@pytest.mark.parametrize(
    "code",
    ["0A000", "26000", "28000", "34000", "3D000", "3F000", "42501", "42P01", "42883", "F0000"],
)
@pytest.mark.parametrize("is_driver", [False, True])
async def test_a_database_that_lacks_something_must_be_mended(
    database: Database, code: str, is_driver: bool
):
    """Neither an outage that ends by itself nor the fault of what is stored."""
    raising = f"do $$ begin raise exception 'x' using errcode = '{code}'; end $$"

    async def fail() -> None:
        async with database.transaction() as connection:
            if is_driver:
                await (await engine.get_driver(connection)).execute(raising)
            await connection.exec_driver_sql(raising)

    with pytest.raises(DatabaseUnusable, match=code):
        await fail()


@pytest.mark.parametrize("code", ["22003", "23514", "54000", "P0001", "XX000"])
async def test_what_content_can_cause_stays_an_error_of_its_own(database: Database, code: str):
    """A value out of range, a broken rule, a row too large for an index."""
    raising = f"do $$ begin raise exception 'x' using errcode = '{code}'; end $$"
    with pytest.raises(DBAPIError):
        async with database.transaction() as connection:
            await connection.exec_driver_sql(raising)


async def test_a_table_that_was_made_anew_is_read_by_the_next_try(
    database: Database, database_url: str
):
    """The driver's prepared statements and types are out of date once, not for ever."""
    await run_sql(database_url, TABLE)
    assert await count(database) == 0
    await run_sql(database_url, "drop table numbers")
    with pytest.raises(DatabaseUnusable, match="numbers"):
        await count(database)
    await run_sql(database_url, "create table numbers (y text, x int primary key)")
    assert await count(database) == 0


async def test_the_driver_is_inside_the_transaction(database: Database, database_url: str):
    """What it is told first or last is undone with the rest."""
    await run_sql(database_url, TABLE)

    async def add_and_fail() -> None:
        async with database.transaction() as connection:
            driver = await engine.get_driver(connection)
            await driver.execute("insert into numbers values (1)")
            await connection.execute(text("insert into numbers values (2)"))
            assert await driver.fetchval("select count(*) from numbers") == 2
            raise KeyError

    with pytest.raises(KeyError):
        await add_and_fail()
    assert await count(database) == 0


@pytest.mark.parametrize(
    ("code", "is_outage"), [("40P01", True), ("57P01", True), ("22012", False)]
)
async def test_errors_of_the_driver_are_told_apart_too(
    database: Database, code: str, is_outage: bool
):
    """A lost server is tried again, broken content is not; the next block works."""
    raising = f"do $$ begin raise exception 'x' using errcode = '{code}'; end $$"
    with pytest.raises(ServiceUnavailable if is_outage else asyncpg.PostgresError):
        async with database.transaction() as connection:
            await (await engine.get_driver(connection)).execute(raising)
    async with database.reading() as connection:
        assert await (await engine.get_driver(connection)).fetchval("select 1") == 1


async def test_a_connection_cut_under_the_driver_is_an_outage(
    database: Database, postgres_url: str
):
    """The server ends the connection in the middle; the next block gets a new one."""

    async def ask_while_cut_off() -> None:
        async with database.transaction() as connection:
            driver = await engine.get_driver(connection)
            pid = await driver.fetchval("select pg_backend_pid()")
            await run_sql(postgres_url, f"select pg_terminate_backend({pid}, 5000)")
            await driver.fetchval("select 1")

    with pytest.raises(ServiceUnavailable):
        await ask_while_cut_off()
    async with database.reading() as connection:
        assert await (await engine.get_driver(connection)).fetchval("select 1") == 1


async def test_a_connection_cut_inside_a_block_is_an_outage(
    database: Database, database_url: str, postgres_url: str
):
    """The server ends the connection in the middle; the next block gets a new one."""
    await run_sql(database_url, TABLE)

    async def add_while_cut_off() -> None:
        async with database.transaction() as connection:
            pid = (await connection.execute(text("select pg_backend_pid()"))).scalar_one()
            await run_sql(postgres_url, f"select pg_terminate_backend({pid}, 5000)")
            await connection.execute(text("insert into numbers values (1)"))

    with pytest.raises(ServiceUnavailable):
        await add_while_cut_off()
    assert await count(database) == 0


async def test_idle_connections_that_died_are_replaced_unseen(
    database: Database, database_url: str, postgres_url: str
):
    """Postgres was restarted between two requests: the second does not notice."""
    await run_sql(database_url, TABLE)
    assert await count(database) == 0
    await run_sql(
        postgres_url,
        "select pg_terminate_backend(pid, 5000) from pg_stat_activity where pid <> pg_backend_pid()"
        f" and datname = '{database_url.partition('?')[0].rpartition('/')[2]}'",
    )
    assert await count(database) == 0


async def test_no_server_is_an_outage(tmp_path: Path):
    """Nothing listens: said at the first use, not when the pool is made."""
    nowhere = Database.open(f"postgresql://postgres@/postgres?host={tmp_path}")
    with pytest.raises(ServiceUnavailable, match="cannot be reached"):
        await count(nowhere)
    await nowhere.close()


async def test_a_server_that_says_nothing_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A wait that ends has no words of its own."""
    monkeypatch.setattr(engine, "_CONNECT_S", 0.01)
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(str(tmp_path / ".s.PGSQL.5432"))
        silent.listen()
        with pytest.raises(ServiceUnavailable, match="cannot be reached: TimeoutError"):
            await engine.connect(f"postgresql://postgres@/postgres?host={tmp_path}")


async def test_a_pool_that_is_used_up_is_an_outage(
    database_url: str, monkeypatch: pytest.MonkeyPatch
):
    """Whoever gets no connection in time is told to come back."""
    pool = engine.make_engine(database_url, pool_size=1, max_overflow=0, pool_timeout=0.01)
    database = Database(pool)
    async with database.reading():
        with pytest.raises(ServiceUnavailable, match="no connection"):
            await count(database)
    await database.close()


async def test_a_statement_that_takes_too_long_is_an_outage(
    database_url: str, monkeypatch: pytest.MonkeyPatch
):
    """A lock that is held for ever does not hold us for ever."""
    monkeypatch.setattr(engine, "_COMMAND_S", 0.05)
    database = Database.open(database_url)
    with pytest.raises(ServiceUnavailable, match="went away"):
        async with database.reading() as connection:
            await connection.execute(text("select pg_sleep(30)"))
    await database.close()


async def test_two_blocks_use_two_connections(database: Database):
    """Stories at the same time do not share a transaction."""

    async def backend() -> int:
        async with database.reading() as connection:
            pid: int = (await connection.execute(text("select pg_backend_pid()"))).scalar_one()
            await ready.wait()
            return pid

    ready = asyncio.Barrier(2)
    first, second = await asyncio.gather(backend(), backend())
    assert first != second
