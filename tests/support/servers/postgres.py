"""A real Postgres for tests: one server a run, one fresh and migrated database a test.

`database_url` is the database of this test, `database` a pool on it. The server is the embedded
one; set `PLAYHEAD_TEST_DATABASE_URL` to run the same tests on another (its user must be allowed
to create databases).
"""

import asyncio
import os
import shutil
import tempfile
import uuid
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import pytest

from app.db import migrate, roles
from app.db.engine import Database
from app.db.roles import DatabaseUrls
from app.db.server.postmaster import SETTINGS, Postmaster

# No test here is about a power cut; those start a server of their own.
_FAST: Final = {**SETTINGS, "fsync": "off", "full_page_writes": "off", "shared_buffers": "64MB"}

_MEMORY_BYTES: Final = 4 * 1024**3
_TRIES: Final = 5
OUR_USER: Final = f"//{roles.SUPERUSER}@/"
"""Stands in the URL of a server that this run has started."""


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """The URL of an empty server, shared by the whole run."""
    given = os.environ.get("PLAYHEAD_TEST_DATABASE_URL")
    if given:
        yield given
        return
    # Not under pytest's own folder: that is 0700, and as root the server is another user.
    data_dir = Path(tempfile.mkdtemp(prefix="playhead-test-", dir=_find_memory_folder()))
    postmaster = Postmaster(data_dir, settings=_FAST)
    try:
        yield postmaster.start()
    finally:
        postmaster.stop()
        shutil.rmtree(data_dir, ignore_errors=True)


@pytest.fixture(scope="session")
def template_database(postgres_url: str) -> Iterator[str]:
    """The name of a migrated database that nobody is connected to."""
    name = f"template_{uuid.uuid4().hex}"

    async def make() -> None:
        await run_sql(postgres_url, f'create database "{name}"')
        url = with_database(postgres_url, name)
        if OUR_USER in url:
            await roles.set_up_embedded(url)
            await roles.prepare_schema(DatabaseUrls(_as_role(url, roles.APP), url))
        else:
            await migrate.upgrade(url)

    asyncio.run(make())
    yield name
    asyncio.run(run_sql(postgres_url, f'drop database "{name}" with (force)'))


@pytest.fixture
async def empty_database_url(postgres_url: str) -> AsyncIterator[str]:
    """The URL of a database without any table, for tests of migrations."""
    async for url in _fresh_database(postgres_url, template="template1"):
        yield url


@pytest.fixture
async def database_url(postgres_url: str, template_database: str) -> AsyncIterator[str]:
    """The URL of this test's own database at the newest schema."""
    async for url in _fresh_database(postgres_url, template=template_database):
        yield url


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """A pool on this test's own database."""
    pool = Database.open(database_url, pool_size=5)
    yield pool
    await pool.close()


async def _fresh_database(postgres_url: str, *, template: str) -> AsyncIterator[str]:
    name = f"test_{uuid.uuid4().hex}"
    # Files are copied at a third of what Postgres's own way costs, which logs every page.
    await run_sql(
        postgres_url, f'create database "{name}" template "{template}" strategy file_copy'
    )
    yield with_database(postgres_url, name)
    await run_sql(postgres_url, f'drop database if exists "{name}" with (force)')


def as_app(url: str) -> str:
    """Return the URL under which a server is to use a test's database: as the plain role.

    Tests keep the superuser's, since they also change tables. Databases that a test made by itself
    have one role for everything, as many external ones do.
    """
    is_prepared = urlsplit(url).path.startswith("/test_")
    return _as_role(url, roles.APP) if is_prepared and OUR_USER in url else url


def _as_role(url: str, role: str) -> str:
    return url.replace(OUR_USER, f"//{role}@/", 1)


def with_database(url: str, name: str) -> str:
    """Return `url` with another database name."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(path=f"/{name}"))


def _find_memory_folder() -> Path | None:
    """Return a folder in memory with room for the databases of a run, if there is one.

    A database for one test is made there in 20 ms, on a disk in 150.
    """
    memory = Path("/dev/shm")
    has_room = memory.is_dir() and shutil.disk_usage(memory).free >= _MEMORY_BYTES
    return memory if has_room else None


async def run_sql(url: str, sql: str) -> None:
    """Run statements that belong to no transaction of the test.

    They may lock whole tables in another order than a server that runs meanwhile. Postgres then
    ends one of the two; if it is this one, it is run again, as the server does with its own.
    """
    connection = await asyncpg.connect(url)
    try:
        for tries_left in reversed(range(_TRIES)):
            try:
                await connection.execute(sql)
            except asyncpg.DeadlockDetectedError:
                if not tries_left:
                    raise
            else:
                return
    finally:
        await connection.close()
