"""A Postgres server and an asynchronous standby of it, of which either can be the primary."""

import gc
import warnings
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import asyncpg

from app.db.roles import OWNER
from tests.support.servers import cluster
from tests.support.servers.cluster import Cluster
from tests.support.waiting import until_asked


@dataclass(slots=True)
class StandbyPair:
    """A primary and its standby; they change places with each failover."""

    primary: Cluster
    standby: Cluster

    @property
    def url(self) -> str:
        """The URL of whichever of the two takes writes."""
        hosts = f"{self.primary.host},{self.standby.host}"
        return f"postgresql://{OWNER}@{hosts}/playhead?target_session_attrs=read-write"

    async def cut_off(self) -> None:
        """Let the standby receive nothing from now on."""
        await self.standby.run(
            "alter system set primary_conninfo = ''",
            "select pg_reload_conf()",
        )

        async def is_cut_off() -> bool:
            connection = await asyncpg.connect(self.standby.url())
            try:
                return not await connection.fetchval("select count(*) from pg_stat_wal_receiver")
            finally:
                await connection.close()

        await until_asked(is_cut_off)

    async def fail_over(self) -> None:
        """End the primary as a power cut would, and promote the standby."""
        self.primary.kill()
        await self.standby.promote()


@asynccontextmanager
async def running_pair() -> AsyncIterator[StandbyPair]:
    """Run a primary with a database, and a standby that follows it."""
    with cluster.shared_folder() as folder:
        async with cluster.primary(folder) as primary:
            standby = Cluster(folder / "standby")
            standby.make_standby_of(primary)
            await standby.start()
            try:
                yield StandbyPair(primary, standby)
            finally:
                standby.kill()
                _forget_dead_connections()


def _forget_dead_connections() -> None:
    """Collect the connections whose server died, which nobody could close in an orderly way."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()
