"""A synchronous standby takes over behind poolers: nothing is lost, and no setting changes."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import asyncpg
import pytest
from pydantic import SecretStr
from sqlalchemy import text

from app.cli.checks.check_result import CheckLevel
from app.cli.checks.process_checks import check_standbys
from app.db import engine
from app.db.engine import Database
from app.db.roles import APP, OWNER, DatabaseUrls, prepare_schema
from tests.support.builders import envelopes
from tests.support.servers import cluster, pgbouncer
from tests.support.servers.cluster import Cluster
from tests.support.servers.server import Server, running
from tests.support.waiting import until_asked

STANDBY_NAME: Final = "second"
_KEPT: Final = 6


@dataclass(frozen=True, slots=True)
class PooledPair:
    """A primary and its standby, with a pgbouncer beside each."""

    primary: Cluster
    standby: Cluster
    hosts: tuple[str, str]

    def url(self, role: str) -> str:
        """Return a URL with both poolers, which leads to whichever server takes writes."""
        hosts = ",".join(self.hosts)
        return f"postgresql://{role}@{hosts}/playhead?target_session_attrs=read-write"


@pytest.fixture
async def pair() -> AsyncIterator[PooledPair]:
    """A primary, and a standby that has everything before a commit ends."""
    with cluster.shared_folder() as folder:
        async with cluster.primary(folder) as primary, AsyncExitStack() as stack:
            await prepare_schema(DatabaseUrls(*(primary.url(r, "playhead") for r in (APP, OWNER))))
            standby = Cluster(folder / STANDBY_NAME)
            # Copied before commits wait, or the copy would wait for itself.
            await asyncio.to_thread(standby.make_standby_of, primary)
            await standby.start(cluster_name=STANDBY_NAME)
            stack.callback(standby.kill)
            hosts = [
                await stack.enter_async_context(pgbouncer.in_front_of(server, folder))
                for server in (primary, standby)
            ]
            yield PooledPair(primary, standby, (hosts[0], hosts[1]))


async def check_standby(server: Cluster) -> set[CheckLevel]:
    """Return what `doctor` thinks of the standbys of a server."""
    connection = await asyncpg.connect(server.url())
    try:
        return {result.state for result in await check_standbys(connection)}
    finally:
        await connection.close()


async def find_port(url: str) -> int:
    """Connect, and return the port of the server behind the pooler."""
    connection = await engine.connect(url)
    try:
        return int(await connection.fetchval("select inet_server_port()"))
    finally:
        await connection.close()


async def find_ports(database: Database) -> set[int]:
    """Return the ports of the servers to which all connections lead that a pool keeps."""
    async with AsyncExitStack() as stack:
        return {
            int(await connection.scalar(text("select inet_server_port()")) or 0)
            for connection in [
                await stack.enter_async_context(database.reading()) for _ in range(_KEPT)
            ]
        }


async def send_errors(server: Server, number: int) -> set[str]:
    """Send errors, each answered 200; return their ids."""
    ids = {uuid.uuid4().hex for _ in range(number)}
    for event_id in ids:
        answer = await server.post(envelopes.event_envelope(event_id=event_id))
        assert answer.status_code == 200
    return ids


async def list_events(server: Cluster) -> set[str]:
    """Return the ids of all errors that a server has."""
    connection = await asyncpg.connect(server.url(database="playhead"))
    try:
        return {
            row["event_id"].hex for row in await connection.fetch("select event_id from events")
        }
    finally:
        await connection.close()


async def has_state(server: Cluster, state: CheckLevel) -> bool:
    """Tell whether `doctor` thinks so of the standbys of a server."""
    return await check_standby(server) == {state}


async def test_a_synchronous_standby_takes_over(pair: PooledPair, tmp_path: Path):
    """The standby has all that was stored; `doctor` says what the new primary waits for.

    When the old primary comes back, its pooler leads to it again, and nothing is written there.
    """
    await until_asked(lambda: has_state(pair.primary, CheckLevel.WARN))
    for each in (pair.primary, pair.standby):  # the setting comes along with a later copy
        await each.run(
            f"alter system set synchronous_standby_names = 'ANY 1 ({STANDBY_NAME})'",
            "select pg_reload_conf()",
        )
    await until_asked(lambda: has_state(pair.primary, CheckLevel.OK))
    owner = SecretStr(pair.url(OWNER))
    async with running(pair.url(APP), tmp_path, database_owner_url=owner) as server:
        assert await find_port(pair.url(APP)) == pair.primary.port
        sent = await send_errors(server, 30)
        await server.settled()
        assert await find_ports(server.database) == {pair.primary.port}
        before_failover = await list_events(pair.primary)
        pair.primary.kill()
        sent |= await send_errors(server, 10)
        await pair.standby.promote()
        assert await find_port(pair.url(APP)) == pair.standby.port
        assert await check_standby(pair.standby) == {CheckLevel.FAIL}
        await pair.standby.run(
            "alter system reset synchronous_standby_names", "select pg_reload_conf()"
        )

        async def are_all_stored() -> bool:
            return sent <= await list_events(pair.standby)

        await until_asked(are_all_stored)
        assert (await server.web.get("/issues")).status_code == 200

        # It comes back by itself, and takes writes without waiting for anybody.
        await pair.primary.start(synchronous_standby_names="")
        assert await find_ports(server.database) == {pair.standby.port}
        assert urlsplit(await engine.find_primary_url(pair.url(OWNER))).netloc == (
            f"{OWNER}@{pair.hosts[1]}"
        )
        sent |= await send_errors(server, 10)
        await until_asked(are_all_stored)
        assert not await list_events(pair.primary) - before_failover
