"""A8: a standby that lacks the last commits takes over, and nothing is lost.

The standby is cut off while envelopes are stored, the primary is killed, the standby promoted.
`tests/faults/test_failover_under_load` does it under load.
"""

import asyncio
from pathlib import Path
from typing import Final

import pytest

from app.core.errors import DatabaseUnavailable
from app.db import migrate
from app.db.hosts import PrimaryFinder, split_hosts
from app.db.timelines import NewestTimelines
from tests.support import programme_size
from tests.support.builders import traffic
from tests.support.builders.traffic import Ledger
from tests.support.faults import invariant
from tests.support.report import Report
from tests.support.servers import standby_pair
from tests.support.servers.server import Server, running
from tests.support.servers.standby_pair import StandbyPair
from tests.support.waiting import until_asked

ENVELOPES: Final = 16
ROUNDS: Final = programme_size.rounds(ci=1, nightly=20)
IDLE: Final = [False] if programme_size.IS_CI else [False, True]
"""Whether nothing arrives after the failover; the short form is in `test_postgres_went_back`."""


async def send_while_cut_off(
    server: Server, pair: StandbyPair, ledger: Ledger, envelopes: int
) -> None:
    """Store envelopes that the standby does not get."""
    await pair.cut_off()
    await send(server, ledger, envelopes)
    await server.settled()


async def send(server: Server, ledger: Ledger, envelopes: int) -> None:
    """Send envelopes of one phone; each must be answered 200."""
    phone = ledger.phone()
    async with traffic.client(server.base_url) as sender:
        for _ in range(envelopes):
            number = next(phone)
            await traffic.deliver(sender, server.app, ledger, number)
            assert ledger.is_kept(number)


@pytest.mark.parametrize("number", range(ROUNDS))
@pytest.mark.parametrize("is_idle", IDLE)
async def test_a_standby_that_lacks_commits_takes_over(
    tmp_path: Path, report: Report, number: int, is_idle: bool
) -> None:
    """Everything that was answered is stored once, whether or not more arrives afterwards."""
    ledger = Ledger(programme_size.seeded_dice("failover", number, is_idle))
    async with standby_pair.running_pair() as pair:
        await migrate.upgrade(pair.url)
        async with running(pair.url, tmp_path, journal_keep_s=60) as server:
            await send(server, ledger, 4)
            await server.settled()
            await send_while_cut_off(server, pair, ledger, ENVELOPES)
            await pair.fail_over()
            if not is_idle:
                await send(server, ledger, 4)
            lost = server.service.ingest.digester.lost_commits
            await until_asked(lambda: asyncio.sleep(0, lost.times > 0))
            findings = await invariant.check_invariant(server, ledger)
            assert lost.entries_lost == 0
            report.round(read_again=lost.entries_read_again, **findings.facts())
        await check_old_primary_is_refused(pair, tmp_path / "timelines.json")


async def check_old_primary_is_refused(pair: StandbyPair, kept: Path) -> None:
    """Let the old primary come back by itself, and see that nobody uses it any more."""
    await pair.primary.start()
    for each in range(2):  # a process that knows nothing yet, and one that starts after it
        timelines = NewestTimelines()
        timelines.keep_in(kept)
        finder = PrimaryFinder(timelines)
        urls = split_hosts(pair.url)
        if each == 1:
            pair.standby.stop()
            with pytest.raises(DatabaseUnavailable, match=r"is an old primary on timeline 1, and"):
                await finder.connect(urls, command_s=None)
        else:
            connection = await finder.connect(urls, command_s=None)
            assert await connection.fetchval("select inet_server_port()") == pair.standby.port
            await connection.close()
