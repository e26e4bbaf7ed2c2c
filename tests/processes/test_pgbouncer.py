"""A7: pgbouncer in transaction mode stands between Playhead and Postgres."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import asyncpg
import pytest
from pydantic import SecretStr

from app.backup.database import read_facts
from app.backup.model import BackupRefused
from app.cli.checks.check_result import CheckLevel, CheckResult
from app.cli.doctor import run_checks
from app.core.settings import Settings
from app.db.engine import Database
from app.db.roles import APP, OWNER, DatabaseUrls, prepare_schema
from tests.support.builders import envelopes
from tests.support.recorded import contents, delivery
from tests.support.servers import cluster, pgbouncer
from tests.support.servers.cluster import Cluster
from tests.support.servers.server import Server, alone, keyed, running
from tests.support.waiting import until

FAMILY: Final = "delivery-shuffled-a"


@dataclass(frozen=True, slots=True)
class PooledDatabase:
    """A Postgres, and a folder for the poolers before it."""

    server: Cluster
    folder: Path


@pytest.fixture
async def pooled() -> AsyncIterator[PooledDatabase]:
    """An empty database with both roles."""
    with cluster.shared_folder() as folder:
        async with cluster.primary(folder) as server:
            yield PooledDatabase(server, folder)


def urls_at(host: str) -> DatabaseUrls:
    """Return the URLs of both roles at a pooler."""
    return DatabaseUrls(*(f"postgresql://{role}@{host}/playhead" for role in (APP, OWNER)))


async def count_rows(pooled: PooledDatabase, query: str) -> int:
    """Ask Postgres itself for a number."""
    connection = await asyncpg.connect(pooled.server.url(database="playhead"))
    try:
        return int(await connection.fetchval(query))
    finally:
        await connection.close()


async def read_replay_facts(server: Server) -> dict[str, int]:
    """Return the totals of all replays that are stored."""
    async with server.database.reading() as connection:
        row = await connection.exec_driver_sql(
            "select count(*) as segments, count(distinct replay_id) as replays from segments"
        )
        return {name: int(value) for name, value in row.mappings().one().items()}


async def run_doctor(urls: DatabaseUrls, folder: Path) -> dict[str, CheckResult]:
    """Return the results of `doctor` by their subjects."""
    settings = Settings(data_dir=folder, database_url=SecretStr(urls.app))
    return {result.subject: result for result in await run_checks(settings)}


async def test_samples_are_right_and_no_lock_is_left(pooled: PooledDatabase, tmp_path: Path):
    """No advisory lock stays at a connection, traffic is stored whole, backups are refused."""
    locks = "select count(*) from pg_locks where locktype = 'advisory'"
    async with pgbouncer.in_front_of(pooled.server, pooled.folder) as host:
        urls = urls_at(host)
        assert await prepare_schema(urls) is True
        assert await count_rows(pooled, locks) == 0
        async with running(urls.app, tmp_path, database_owner_url=SecretStr(urls.owner)) as server:
            await delivery.deliver_family(server, FAMILY, order=delivery.shuffled(FAMILY))
            (replay,) = contents.conclusions(FAMILY)["replays"]
            page = await server.web.get(server.page(replay["replay_id"]))
            assert page.status_code == 200
            assert await read_replay_facts(server) == {
                "replays": 1,
                "segments": len(replay["segments"]),
            }
        assert await count_rows(pooled, locks) == 0
        assert await count_rows(pooled, "select count(*) from quarantine") == 0
        checks = await run_doctor(urls, tmp_path)
        assert checks["database"].state is not CheckLevel.FAIL
        assert "pooler" not in checks
        with pytest.raises(BackupRefused, match="a pooler stands before Postgres"):
            await read_facts(urls.owner)


async def test_without_prepared_statements_envelopes_wait_and_the_reason_is_told(
    pooled: PooledDatabase, tmp_path: Path
):
    """Nothing goes to quarantine; `doctor`, the pages and monitors tell what is missing."""
    direct = DatabaseUrls(*(pooled.server.url(role, "playhead") for role in (APP, OWNER)))
    await prepare_schema(direct)
    database = Database.open(direct.app, pool_size=1)
    to = await keyed(database, "App")
    await database.close()
    async with (
        pgbouncer.in_front_of(pooled.server, pooled.folder, max_prepared_statements="0") as host,
        alone(urls_at(host).app, tmp_path) as (service, sender),
    ):
        for number in range(6):
            answer = await sender.post(
                f"/api/{to.id}/envelope/",
                content=envelopes.replay_video_envelope(number),
                headers=envelopes.headers(to.key, encoding=None),
            )
            assert answer.status_code == 200
        monitor = await sender.get("/health/ready")
        assert monitor.status_code == 503
        assert "max_prepared_statements" in monitor.json()["detail"]
        assert (await sender.get("/health/door")).status_code == 200
        page = await sender.get("/account", headers={"cookie": f"playhead={'t' * 43}"})
        assert page.status_code == 503
        assert "The database is not set up correctly" in page.text
        pooler = (await run_doctor(urls_at(host), tmp_path))["pooler"]
        assert (pooler.state, "max_prepared_statements" in pooler.text) == (CheckLevel.FAIL, True)
        assert service.ingest.journal.backlog().entries == 6
    async with running(direct.app, tmp_path) as server:
        await until(lambda: server.service.ingest.digester.has_adopted)
        await server.settled()
        assert await read_replay_facts(server) == {"replays": 1, "segments": 6}
    assert await count_rows(pooled, "select count(*) from quarantine") == 0
