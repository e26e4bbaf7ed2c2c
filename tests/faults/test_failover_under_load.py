"""A8 at length: a standby that lacks the last 1.5 s takes over while phones go on sending."""

import asyncio
from pathlib import Path
from typing import Final

import asyncpg
import pytest

from app.core.clock import monotonic_s
from app.db import migrate
from tests.support import programme_size
from tests.support.builders import traffic
from tests.support.builders.traffic import Ledger
from tests.support.faults import invariant
from tests.support.report import Report
from tests.support.servers import standby_pair
from tests.support.servers.cluster import Cluster
from tests.support.servers.server import running
from tests.support.waiting import until_asked

ROUNDS: Final = programme_size.rounds(ci=1, nightly=20)
CUT_OFF_S: Final = 1.5
"""The time for which the primary stores what the standby never gets."""
AWAY_S: Final = 2.0
"""The time between the end of the primary and the promotion."""
BACK_WITHIN_S: Final = 10.0
"""The time after the promotion within which envelopes are stored again."""


async def count_segments(server: Cluster) -> int:
    """Return how many segments a server has, be it a standby or not."""
    connection = await asyncpg.connect(server.url(database="playhead"))
    try:
        return int(await connection.fetchval("select count(*) from segments"))
    finally:
        await connection.close()


@pytest.mark.parametrize("number", range(ROUNDS))
async def test_a_standby_takes_over_under_load(tmp_path: Path, report: Report, number: int) -> None:
    """Everything that was answered is stored once, and soon after the promotion there is more."""
    ledger = Ledger(programme_size.seeded_dice("failover under load", number))
    async with standby_pair.running_pair() as pair:
        await migrate.upgrade(pair.url)
        async with running(pair.url, tmp_path, journal_keep_s=60) as server:
            async with traffic.sending_phones(server.base_url, server.app, ledger):
                await asyncio.sleep(2)
                await pair.cut_off()
                await asyncio.sleep(CUT_OFF_S)
                pair.primary.kill()
                await asyncio.sleep(AWAY_S)
                stored = await count_segments(pair.standby)
                await pair.standby.promote()
                began_s = monotonic_s()

                async def is_back() -> bool:
                    return await count_segments(pair.standby) > stored

                await until_asked(is_back)
                back_s = round(monotonic_s() - began_s, 1)
                await asyncio.sleep(1)
            findings = await invariant.check_invariant(server, ledger)
            lost = server.service.ingest.digester.lost_commits
            report.round(
                back_s=back_s,
                read_again=lost.entries_read_again,
                gone=lost.entries_lost,
                **findings.facts(),
            )
            assert lost.times == 1
            assert lost.entries_lost == 0
            assert back_s <= BACK_WITHIN_S
