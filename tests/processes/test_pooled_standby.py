"""A pooler beside each Postgres: the one that leads to the primary is found through them."""

import asyncio
from contextlib import AsyncExitStack

import asyncpg

from app.db import engine
from app.db.roles import APP
from tests.support.servers import cluster, pgbouncer
from tests.support.servers.cluster import Cluster


async def test_the_primary_is_found_behind_poolers_that_believe_what_was():
    """A pooler answers for its dead server, and the other one for a standby that was promoted."""
    with cluster.shared_folder() as folder:
        async with cluster.primary(folder) as primary, AsyncExitStack() as stack:
            standby = Cluster(folder / "second")
            await asyncio.to_thread(standby.make_standby_of, primary)
            await standby.start()
            stack.callback(standby.kill)
            hosts = [
                await stack.enter_async_context(pgbouncer.in_front_of(server, folder))
                for server in (primary, standby)
            ]
            for first, second in (hosts, hosts[::-1]):
                assert await find_port(f"{first},{second}") == primary.port
            primary.kill()
            await standby.promote()
            for first, second in (hosts, hosts[::-1]):
                assert await find_port(f"{first},{second}") == standby.port


async def find_port(hosts: str) -> int:
    """Connect to one of several poolers, and return the port of the server behind it."""
    url = f"postgresql://{APP}@{hosts}/playhead?target_session_attrs=read-write"
    connection: asyncpg.Connection = await engine.connect(url)
    try:
        return int(await connection.fetchval("select inet_server_port()"))
    finally:
        await connection.close()
