"""A Postgres that hangs holds nobody up for long: neither who gave up, nor a process that ends."""

import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from app.core.errors import DatabaseUnavailable
from app.db import engine, migrate
from app.db.engine import Database
from tests.support.faults import silent_postgres
from tests.support.faults.silent_postgres import SilentPostgres
from tests.support.waiting import PATIENCE_S, until


@pytest.fixture
def sockets() -> Iterator[Path]:
    """Make a folder with a short path, as addresses of sockets need one."""
    folder = Path(tempfile.mkdtemp(prefix="ph-"))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
async def proxied(database_url: str, sockets: Path) -> AsyncIterator[tuple[SilentPostgres, str]]:
    """A proxy before Postgres, and the URL that leads to it."""
    async with silent_postgres.in_front_of(database_url, sockets) as (proxy, url):
        yield proxy, url


async def write(database: Database) -> None:
    """Run a statement of SQLAlchemy in a transaction, again and again."""
    async with database.transaction() as connection:
        while True:
            await connection.execute(text("select 1"))


async def write_by_driver(database: Database) -> None:
    """Run a statement of the driver in a transaction, as digest does, again and again."""
    async with database.transaction() as connection:
        driver = await engine.get_driver(connection)
        while True:
            await driver.fetch("select 1")


async def read(database: Database) -> None:
    """Run a statement without a transaction, again and again."""
    async with database.reading() as connection:
        while True:
            await connection.execute(text("select 1"))


async def read_planned_once(database: Database) -> None:
    """Run a statement in a transaction of the driver, again and again."""
    async with database.reading() as connection, engine.planning_once(connection):
        while True:
            await connection.execute(text("select 1"))


async def hold_lock(url: str, is_held: asyncio.Event) -> None:
    """Hold the lock of the set-up until somebody cancels this."""
    async with migrate.hold_setup_lock(url):
        is_held.set()
        await asyncio.Event().wait()


async def test_a_cancelled_block_ends_while_postgres_hangs(proxied: tuple[SilentPostgres, str]):
    """Its connection is closed instead of rolled back, and the task counts as cancelled."""
    proxy, url = proxied
    database = Database.open(url, pool_size=4)
    is_held = asyncio.Event()
    tasks = [
        asyncio.create_task(each(database))
        for each in (write, write_by_driver, read, read_planned_once)
    ]
    await until(lambda: database.count_connections()[0] == len(tasks))
    tasks.append(asyncio.create_task(hold_lock(url, is_held)))
    await is_held.wait()
    proxy.fall_silent()
    for task in tasks:
        task.cancel()
    async with asyncio.timeout(PATIENCE_S):
        await asyncio.wait(tasks)
    assert all(task.cancelled() for task in tasks)
    proxy.speak()
    async with database.reading() as connection:
        assert await connection.scalar(text("select 1")) == 1
    await database.close()


async def test_a_process_that_ends_waits_for_postgres_for_a_while(
    proxied: tuple[SilentPostgres, str],
):
    """Statements, new connections and those who wait for one end when the time is over."""
    proxy, url = proxied
    database = Database.open(url, pool_size=2, max_connections=3)
    tasks = [asyncio.create_task(each(database)) for each in (write, read)]
    await until(lambda: database.count_connections()[0] == len(tasks))
    proxy.fall_silent()
    # The first is being connected, and the pool has no other.
    tasks += [asyncio.create_task(each(database)) for each in (write_by_driver, read)]
    await until(lambda: database.count_connections()[0] == 3)
    database.end_waiting_after(0)
    database.end_waiting_after(3_600)
    async with asyncio.timeout(PATIENCE_S):
        errors = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(error) for error in errors] == [DatabaseUnavailable] * len(tasks)
    with pytest.raises(DatabaseUnavailable, match="the process ends"):
        await write(database)
    async with asyncio.timeout(PATIENCE_S):
        await database.close()


async def test_a_process_that_ends_in_time_cuts_nothing(database_url: str):
    """Until the time is over, everything is answered as before."""
    database = Database.open(database_url)
    database.end_waiting_after(3_600)
    async with database.transaction() as connection:
        assert await connection.scalar(text("select 1")) == 1
    await database.close()
