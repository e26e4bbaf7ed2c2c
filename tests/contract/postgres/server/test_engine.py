"""Tests of transactions, and of the errors that an outage of Postgres raises."""

import asyncio
import socket
from pathlib import Path

import asyncpg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.ext.asyncio import AsyncEngine

from app.core.errors import DatabaseUnusable, ServiceUnavailable
from app.db import engine, hosts
from app.db.cutoff import ConnectionCutoff
from app.db.engine import Database
from tests.support.servers.postgres import run_sql

TABLE = "create table numbers (x int primary key)"


async def count_numbers(database: Database) -> int:
    """Count the rows that others can see."""
    async with database.reading() as connection:
        return int((await connection.execute(text("select count(*) from numbers"))).scalar_one())


async def add_number(database: Database, number: int) -> None:
    """Add a row in a transaction of its own."""
    async with database.transaction() as connection:
        await connection.execute(text("insert into numbers values (:x)"), {"x": number})


async def test_a_block_commits_unless_it_raises(database: Database, database_url: str):
    """A transaction is stored as a whole or not at all."""
    await run_sql(database_url, TABLE)
    await add_number(database, 1)

    async def add_and_fail() -> None:
        async with database.transaction() as connection:
            await connection.execute(text("insert into numbers values (2)"))
            raise KeyError

    with pytest.raises(KeyError):
        await add_and_fail()
    assert await count_numbers(database) == 1


async def test_reading_changes_nothing(database: Database, database_url: str):
    """A write in a reading block is refused, and the next block writes as usual."""
    await run_sql(database_url, TABLE)
    async with database.reading() as connection:
        with pytest.raises(RuntimeError, match="must not write"):
            await connection.execute(text("insert into numbers values (1)"))
    assert await count_numbers(database) == 0


async def test_errors_of_content_are_not_outages(database: Database, database_url: str):
    """A violated constraint is the caller's error, since a retry would not help."""
    await run_sql(database_url, TABLE)
    await add_number(database, 1)
    with pytest.raises(IntegrityError):
        await add_number(database, 1)
    for sql in ("select 1/0", "select '\\u0000'::jsonb"):
        with pytest.raises(DBAPIError):
            async with database.reading() as connection:
                await connection.execute(text(sql))


@pytest.mark.parametrize(
    "code",
    ["08006", "25006", "40001", "40P01", "53300", "55006", "55P03", "57P01", "58030", "72000"],
)
async def test_temporary_errors_are_outages(database: Database, code: str):
    """A lost connection, a deadlock or a shutdown raises ServiceUnavailable for a retry."""
    raising = f"do $$ begin raise exception 'x' using errcode = '{code}'; end $$"
    with pytest.raises(ServiceUnavailable):
        async with database.transaction() as connection:
            await connection.exec_driver_sql(raising)


@pytest.mark.parametrize(
    "code",
    ["0A000", "26000", "28000", "34000", "3D000", "3F000", "42501", "42P01", "42883", "F0000"],
)
@pytest.mark.parametrize("is_driver", [False, True])
async def test_a_database_that_lacks_something_is_unusable(
    database: Database, code: str, is_driver: bool
):
    """A missing table or right neither ends by itself nor is caused by the content."""
    raising = f"do $$ begin raise exception 'x' using errcode = '{code}'; end $$"

    async def fail() -> None:
        async with database.transaction() as connection:
            if is_driver:
                await (await engine.get_driver(connection)).execute(raising)
            await connection.exec_driver_sql(raising)

    with pytest.raises(DatabaseUnusable, match=code):
        await fail()


@pytest.mark.parametrize("code", ["22003", "23514", "54000", "P0001", "XX000"])
async def test_an_error_caused_by_content_is_passed_on(database: Database, code: str):
    """A value out of range or a row that is too large keeps its own error."""
    raising = f"do $$ begin raise exception 'x' using errcode = '{code}', constraint = 'c'; end $$"
    with pytest.raises(DBAPIError):
        async with database.transaction() as connection:
            await connection.exec_driver_sql(raising)


async def test_a_recreated_table_is_read_by_the_next_attempt(database: Database, database_url: str):
    """The driver's prepared statements fail once, and are then prepared again."""
    await run_sql(database_url, TABLE)
    assert await count_numbers(database) == 0
    await run_sql(database_url, "drop table numbers")
    with pytest.raises(DatabaseUnusable, match="numbers"):
        await count_numbers(database)
    await run_sql(database_url, "create table numbers (y text, x int primary key)")
    assert await count_numbers(database) == 0


async def test_the_driver_shares_the_transaction(database: Database, database_url: str):
    """Statements of the driver are rolled back with the others."""
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
    assert await count_numbers(database) == 0


@pytest.mark.parametrize(
    ("code", "is_outage"), [("40P01", True), ("57P01", True), ("22012", False)]
)
async def test_errors_of_the_driver_are_classified_too(
    database: Database, code: str, is_outage: bool
):
    """A lost server is an outage, invalid content is not, and the next block works."""
    raising = f"do $$ begin raise exception 'x' using errcode = '{code}'; end $$"
    with pytest.raises(ServiceUnavailable if is_outage else asyncpg.PostgresError):
        async with database.transaction() as connection:
            await (await engine.get_driver(connection)).execute(raising)
    async with database.reading() as connection:
        assert await (await engine.get_driver(connection)).fetchval("select 1") == 1


async def test_a_connection_cut_under_the_driver_is_an_outage(
    database: Database, postgres_url: str
):
    """When the server ends the driver's connection, the next block gets a new one."""

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
    """When the server ends the connection of a block, the next block gets a new one."""
    await run_sql(database_url, TABLE)

    async def add_while_cut_off() -> None:
        async with database.transaction() as connection:
            pid = (await connection.execute(text("select pg_backend_pid()"))).scalar_one()
            await run_sql(postgres_url, f"select pg_terminate_backend({pid}, 5000)")
            await connection.execute(text("insert into numbers values (1)"))

    with pytest.raises(ServiceUnavailable):
        await add_while_cut_off()
    assert await count_numbers(database) == 0


async def test_dead_idle_connections_are_replaced(
    database: Database, database_url: str, postgres_url: str
):
    """A restart of Postgres between two requests is not noticed by the second."""
    await run_sql(database_url, TABLE)
    assert await count_numbers(database) == 0
    await run_sql(
        postgres_url,
        "select pg_terminate_backend(pid, 5000) from pg_stat_activity where pid <> pg_backend_pid()"
        f" and datname = '{database_url.partition('?')[0].rpartition('/')[2]}'",
    )
    assert await count_numbers(database) == 0


async def test_connections_to_an_old_primary_are_replaced(
    database: Database, monkeypatch: pytest.MonkeyPatch
):
    """A connection that lives, and leads to a primary that was replaced, is not used again."""

    async def read_pid() -> int:
        async with database.reading() as connection:
            return int((await connection.execute(text("select pg_backend_pid()"))).scalar_one())

    first = await read_pid()
    assert await read_pid() == first
    outdated = [True, False]
    with monkeypatch.context() as patch:
        patch.setattr(hosts.primary_finder, "is_outdated", lambda _: outdated.pop(0))
        assert await read_pid() != first
    assert await read_pid() != first


async def test_a_missing_server_is_an_outage(tmp_path: Path):
    """A missing server is reported at the first use, and not when the pool is made."""
    nowhere = Database.open(f"postgresql://postgres@/postgres?host={tmp_path}")
    with pytest.raises(ServiceUnavailable, match="cannot be reached"):
        await count_numbers(nowhere)
    await nowhere.close()


async def test_a_silent_server_is_reported_with_its_timeout(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """The error of a server that never answers names the timeout."""
    monkeypatch.setattr(engine, "_CONNECT_S", 0.01)
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(str(tmp_path / ".s.PGSQL.5432"))
        silent.listen()
        with pytest.raises(ServiceUnavailable, match="cannot be reached: TimeoutError"):
            await engine.connect(f"postgresql://postgres@/postgres?host={tmp_path}")


async def test_an_exhausted_pool_is_an_outage(database_url: str, monkeypatch: pytest.MonkeyPatch):
    """A block that gets no connection in time raises ServiceUnavailable."""
    pool = engine.make_engine(database_url, pool_size=1, max_overflow=0, pool_timeout=0.01)
    database = Database(pool, ConnectionCutoff())
    async with database.reading():
        with pytest.raises(ServiceUnavailable, match="no connection"):
            await count_numbers(database)
    await database.close()


async def test_a_statement_that_takes_too_long_is_an_outage(
    database_url: str, monkeypatch: pytest.MonkeyPatch
):
    """A statement that waits for a lock ends after its time limit."""
    # The statements of a new connection have the same limit.
    monkeypatch.setattr(engine, "_COMMAND_S", 0.5)
    database = Database.open(database_url)
    with pytest.raises(ServiceUnavailable, match="went away"):
        async with database.reading() as connection:
            await connection.execute(text("select pg_sleep(30)"))
    await database.close()


async def test_two_blocks_use_two_connections(database: Database):
    """Simultaneous blocks do not share a transaction."""

    async def backend() -> int:
        async with database.reading() as connection:
            pid: int = (await connection.execute(text("select pg_backend_pid()"))).scalar_one()
            await ready.wait()
            return pid

    ready = asyncio.Barrier(2)
    first, second = await asyncio.gather(backend(), backend())
    assert first != second


async def test_closing_does_not_wait_for_a_server_that_hangs(
    database_url: str, monkeypatch: pytest.MonkeyPatch
):
    """A pooler that is frozen answers no goodbye; the process ends all the same."""
    database = Database.open(database_url)
    begun = asyncio.Event()

    async def hang(_: AsyncEngine) -> None:
        begun.set()
        await asyncio.Event().wait()

    with monkeypatch.context() as patch:
        patch.setattr(AsyncEngine, "dispose", hang)
        patch.setattr(engine, "_CLOSE_S", 0.01)
        await database.close()
    assert begun.is_set()
    await database.close()
