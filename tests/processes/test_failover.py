"""A8: the primary dies and a standby takes its place, without a change of settings or a restart."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import asyncpg
import pytest
from pydantic import SecretStr

from app.core import clock
from app.db.roles import APP, OWNER, DatabaseUrls, prepare_schema
from tests.support.builders import envelopes
from tests.support.report import Report
from tests.support.servers import cluster
from tests.support.servers.cluster import Cluster
from tests.support.servers.server import Server, running
from tests.support.waiting import until_asked

STANDBY_NAME: Final = "second"
BACK_S: Final = 10.0
"""Time within which the server works again after a standby has become the primary."""


@dataclass(frozen=True, slots=True)
class Pair:
    """A primary, and a standby that follows it."""

    primary: Cluster
    standby: Cluster

    def url(self, role: str) -> str:
        """Return a URL with both hosts, which leads to whichever of them takes writes."""
        hosts = f"{self.primary.host},{self.standby.host}"
        return f"postgresql://{role}@{hosts}/playhead?target_session_attrs=read-write"

    async def is_followed(self, sync_state: str) -> bool:
        """Tell whether the standby is connected in this way: `async` or `sync`."""
        connection = await asyncpg.connect(self.primary.url())
        try:
            states = await connection.fetch("select sync_state from pg_stat_replication")
        finally:
            await connection.close()
        return [row["sync_state"] for row in states] == [sync_state]


@pytest.fixture
async def pair() -> AsyncIterator[Pair]:
    """A running primary and its asynchronous standby."""
    with cluster.shared_folder() as folder:
        async with cluster.primary(folder) as primary:
            await prepare_schema(
                DatabaseUrls(primary.url(APP, "playhead"), primary.url(OWNER, "playhead"))
            )
            standby = Cluster(folder / STANDBY_NAME)
            await asyncio.to_thread(standby.make_standby_of, primary)
            await standby.start(cluster_name=STANDBY_NAME)
            try:
                both = Pair(primary, standby)
                await until_asked(lambda: both.is_followed("async"))
                yield both
            finally:
                standby.kill()


async def send_errors(server: Server, number: int) -> set[str]:
    """Send errors, each answered 200; return their ids."""
    ids = {uuid.uuid4().hex for _ in range(number)}
    for event_id in ids:
        answer = await server.post(envelopes.event_envelope(event_id=event_id))
        assert answer.status_code == 200
    return ids


async def list_events(pair: Pair) -> set[str]:
    """Return the ids of all errors that the new primary has."""
    connection = await asyncpg.connect(pair.standby.url(database="playhead"))
    try:
        return {
            row["event_id"].hex for row in await connection.fetch("select event_id from events")
        }
    finally:
        await connection.close()


async def fail_over(pair: Pair, server: Server) -> set[str]:
    """Kill the primary, go on sending, and promote the standby; return what was sent meanwhile."""
    pair.primary.kill()
    sent = await send_errors(server, 20)
    await pair.standby.promote()
    return sent


async def wait_until_back(pair: Pair, server: Server, sent: set[str], report: Report) -> None:
    """Wait until all that was answered 200 is stored, and pages are answered."""
    began_s = clock.monotonic_s()

    async def is_back() -> bool:
        return sent <= await list_events(pair)

    await until_asked(is_back, deadline_s=3 * BACK_S)
    assert (await server.web.get("/issues")).status_code == 200
    report.round(acks=len(sent), lost=0, settle_s=round(clock.monotonic_s() - began_s, 1))


async def test_a_synchronous_standby_has_all_that_was_stored(
    pair: Pair, tmp_path: Path, report: Report
):
    """With a synchronous standby nothing is lost, and the server finds the new primary itself."""
    await pair.primary.run(
        f"alter system set synchronous_standby_names = 'ANY 1 ({STANDBY_NAME})'",
        "select pg_reload_conf()",
    )
    await until_asked(lambda: pair.is_followed("quorum"))
    owner = SecretStr(pair.url(OWNER))
    async with running(pair.url(APP), tmp_path, database_owner_url=owner) as server:
        sent = await send_errors(server, 50)
        await server.settled()
        sent |= await fail_over(pair, server)
        await wait_until_back(pair, server, sent, report)


async def test_what_an_asynchronous_standby_lacks_is_read_from_the_journal_again(
    pair: Pair, tmp_path: Path, report: Report
):
    """What the dead primary alone had stored is stored again by a server that lives."""
    settings = {
        "database_owner_url": SecretStr(pair.url(OWNER)),
        "journal_keep_s": 60,
        "journal_file_bytes": 64 * 1024,
    }
    async with running(pair.url(APP), tmp_path, **settings) as server:
        sent = await send_errors(server, 50)
        await server.settled()
        await pair.standby.run("alter system set primary_conninfo = ''", "select pg_reload_conf()")
        await until_asked(lambda: is_alone(pair))
        late = await send_errors(server, 50)
        await server.settled()
        assert not late & await list_events(pair)
        sent |= late | await fail_over(pair, server)
        await wait_until_back(pair, server, sent, report)


async def is_alone(pair: Pair) -> bool:
    """Tell whether no standby is connected to the primary."""
    connection = await asyncpg.connect(pair.primary.url())
    try:
        return not await connection.fetchval("select count(*) from pg_stat_replication")
    finally:
        await connection.close()
