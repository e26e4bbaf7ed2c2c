"""Postgres lacks a table, a right or its name: envelopes wait, and none is lost."""

import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Final

import pytest

from app.core.errors import DatabaseUnavailable, DatabaseUnusable
from app.db import roles
from app.ingest.digest import retry
from tests.support.builders import envelopes
from tests.support.servers.postgres import run_sql, with_database
from tests.support.servers.server import Server, running
from tests.support.waiting import until


@pytest.fixture(autouse=True)
def retry_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the server try again at once."""
    monkeypatch.setattr(retry, "_BACKOFF_S", (0.01,))


@asynccontextmanager
async def table_missing(url: str) -> AsyncIterator[None]:
    """Rename a table that digest writes."""
    await run_sql(url, "alter table segments rename to segments_aside")
    yield
    await run_sql(url, "alter table segments_aside rename to segments")


@asynccontextmanager
async def column_missing(url: str) -> AsyncIterator[None]:
    """Rename a column that digest writes."""
    await run_sql(url, "alter table segments rename column recording to recording_aside")
    yield
    await run_sql(url, "alter table segments rename column recording_aside to recording")


@asynccontextmanager
async def right_missing(url: str) -> AsyncIterator[None]:
    """Revoke the right to insert segments."""
    await run_sql(url, f"revoke insert on segments from {roles.APP}")
    yield
    await run_sql(url, f"grant insert on segments to {roles.APP}")


@asynccontextmanager
async def database_renamed(url: str) -> AsyncIterator[None]:
    """Rename the database, after its connections have ended."""
    name = url.partition("?")[0].rpartition("/")[2]
    server = with_database(url, "postgres")
    temporary_name = f"aside_{uuid.uuid4().hex}"
    await run_sql(server, f'alter database "{name}" allow_connections false')
    await run_sql(
        server,
        f"select pg_terminate_backend(pid, 5000) from pg_stat_activity where datname = '{name}'",
    )
    await run_sql(server, f'alter database "{name}" rename to "{temporary_name}"')
    yield
    await run_sql(server, f'alter database "{temporary_name}" rename to "{name}"')
    await run_sql(server, f'alter database "{name}" allow_connections true')


@asynccontextmanager
async def prepared_statements_unknown(url: str) -> AsyncIterator[None]:
    """Fail like a pooler that does not pass prepared statements on."""
    await run_sql(
        url,
        "create function forget() returns trigger language plpgsql as $$ begin raise exception "
        "'prepared statement \"x\" does not exist' using errcode = '26000'; end $$; "
        "create trigger forget before insert on segments execute function forget()",
    )
    yield
    await run_sql(url, "drop trigger forget on segments")


Fault = Callable[[str], AbstractAsyncContextManager[None]]
FAULTS: Final[tuple[tuple[Fault, type[DatabaseUnavailable]], ...]] = (
    (table_missing, DatabaseUnusable),
    (column_missing, DatabaseUnusable),
    (right_missing, DatabaseUnusable),
    (prepared_statements_unknown, DatabaseUnusable),
    (database_renamed, DatabaseUnavailable),
)


async def post_segments(server: Server, first: int) -> None:
    """Send four segments and check that each is answered 200."""
    for number in range(first, first + 4):
        answer = await server.post(envelopes.replay_video_envelope(number))
        assert answer.status_code == 200


@pytest.mark.parametrize(
    ("fault", "error"), FAULTS, ids=[fault.__name__ for fault, _error in FAULTS]
)
async def test_envelopes_wait_until_the_database_is_repaired(
    database_url: str, tmp_path: Path, fault: Fault, error: type[DatabaseUnavailable]
):
    """Envelopes are answered 200, readiness fails, and later all are kept, none quarantined."""
    async with running(database_url, tmp_path) as server:
        await post_segments(server, 1)
        await server.settled()
        async with fault(database_url):
            await post_segments(server, 5)
            digester = server.service.ingest.digester
            await until(lambda: isinstance(digester.outage, error))
            metrics = (await server.sender.get("/metrics")).text
            assert "playhead_digest_waits 1.0" in metrics
            assert "playhead_database_failures_total 0.0" not in metrics
            assert (await server.sender.get("/health/ready")).status_code == 503
            await post_segments(server, 9)
        await server.settled()
        assert await server.outcomes() == {("replay_video", "kept", ""): 12}
        async with server.database.reading() as connection:
            quarantined = await connection.exec_driver_sql("select count(*) from quarantine")
            assert quarantined.scalar_one() == 0
        assert "playhead_digest_waits 0.0" in (await server.sender.get("/metrics")).text
