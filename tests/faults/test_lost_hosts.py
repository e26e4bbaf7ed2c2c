"""A2, A3, A4 at length: hosts die or freeze under load, and others go on with what they spilled.

Their short forms, in `tests/processes/test_spill`, are exact. Here entries arrive until the last
moment, so those of the last second may be lost with the disk, and no others.
"""

import asyncio
import shutil
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import pytest

from app.core.clock import monotonic_s
from app.db import migrate
from app.db.engine import Database
from app.db.roles import OWNER
from tests.support import programme_size
from tests.support.builders import traffic
from tests.support.builders.traffic import Ledger
from tests.support.faults import invariant
from tests.support.report import Report
from tests.support.servers import cluster, process, s3
from tests.support.servers.bucket import Bucket, wait_until_clean
from tests.support.servers.process import ServerProcess
from tests.support.servers.server import Server, keyed, running

ROUNDS: Final = programme_size.rounds(ci=1, nightly=10)
EXPOSED_S: Final = 1.3
"""The longest time that an entry lies on one disk only: a second, a look every 0.2 s, and a put."""
OUTAGE_S: Final = 20.0
SENDERS: Final = 8


class KeptSamples:
    """The samples that had been answered 200 at several moments."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._samples: list[tuple[float, set[int]]] = []

    async def sample_for_ever(self) -> None:
        """Take a sample ten times a second."""
        while True:
            kept = {number for number in self._ledger.statuses if self._ledger.is_kept(number)}
            self._samples.append((monotonic_s(), kept))
            await asyncio.sleep(0.1)

    def forgive_the_last(self, died_at_s: float) -> int:
        """Let what was answered in the last moment before a death count as unanswered.

        Returns:
            How many envelopes that are.
        """
        safe = max((kept for at_s, kept in self._samples if at_s <= died_at_s - EXPOSED_S), key=len)
        late = [
            number
            for number in self._ledger.statuses
            if self._ledger.is_kept(number) and number not in safe
        ]
        for number in late:
            self._ledger.statuses[number] = [None]
        return len(late)


@asynccontextmanager
async def sending(
    server: ServerProcess, ledger: Ledger, database_url: str
) -> AsyncIterator[KeptSamples]:
    """Let phones send to a server until the block ends."""
    database = Database.open(database_url, max_connections=1)
    to = await keyed(database, "App")
    await database.close()
    is_over = asyncio.Event()
    samples = KeptSamples(ledger)
    sampling = asyncio.create_task(samples.sample_for_ever())
    phones = asyncio.create_task(
        traffic.send_as_phones(
            server.base_url, to, ledger, senders=SENDERS, is_over=is_over.is_set, pause_s=0.02
        )
    )
    try:
        yield samples
    finally:
        is_over.set()
        sampling.cancel()
        await asyncio.gather(sampling, phones, return_exceptions=True)


@pytest.fixture
def bucket() -> Iterator[Bucket]:
    """Make a bucket on a server of its own."""
    with s3.serving() as service:
        yield Bucket(service, service.new_bucket())


async def check_adopter(
    server: Server, bucket: Bucket, ledger: Ledger, *, has_lost_disk: bool
) -> dict[str, object]:
    """Wait until everything is adopted, and compare; returns figures for the report."""
    began_s = monotonic_s()
    await wait_until_clean(bucket)
    findings = await invariant.check_invariant(server, ledger, has_lost_disk=has_lost_disk)
    return {"adopted_s": round(monotonic_s() - began_s, 1), **findings.facts()}


@pytest.mark.parametrize("number", range(ROUNDS))
@pytest.mark.parametrize("is_postgres_away", [False, True])
async def test_a_host_dies_with_its_disk(
    tmp_path: Path, bucket: Bucket, report: Report, number: int, is_postgres_away: bool
) -> None:
    """Envelopes received until a second before are stored once, in an outage of Postgres too."""
    dice = programme_size.seeded_dice("lost host", number, is_postgres_away)
    ledger = Ledger(dice)
    with cluster.shared_folder() as folder:
        async with cluster.primary(folder) as postgres:
            url = postgres.url(OWNER, "playhead")
            await migrate.upgrade(url)
            settings = bucket.settings(spill_after_s=1.0, silent_after_s=5)
            with process.launch_and_wait(url, tmp_path / "a", **settings) as dying:
                async with sending(dying, ledger, url) as samples:
                    await asyncio.sleep(3 + dice.random())
                    if is_postgres_away:
                        postgres.kill()
                        await asyncio.sleep(OUTAGE_S + dice.random())
                    died_at_s = monotonic_s()
                    dying.kill()
            shutil.rmtree(tmp_path / "a")
            if is_postgres_away:
                await postgres.start()
            forgiven = samples.forgive_the_last(died_at_s)
            async with running(url, tmp_path / "b", **settings) as server:
                facts = await check_adopter(server, bucket, ledger, has_lost_disk=True)
                report.round(forgiven=forgiven, **facts)


@pytest.mark.parametrize("number", range(ROUNDS))
async def test_a_frozen_host_goes_on(
    database_url: str, tmp_path: Path, bucket: Bucket, report: Report, number: int
) -> None:
    """A process that was stopped under load, adopted and continued counts nothing twice."""
    ledger = Ledger(programme_size.seeded_dice("frozen host", number))
    settings = bucket.settings(silent_after_s=3)
    with process.launch_and_wait(database_url, tmp_path / "a", **settings) as frozen:
        async with running(database_url, tmp_path / "b", **settings) as server:
            async with sending(frozen, ledger, database_url):
                await asyncio.sleep(2)
                frozen.send(signal.SIGSTOP)
                await asyncio.sleep(40)
                frozen.send(signal.SIGCONT)
                await asyncio.sleep(3)
            await process.wait_until_digested(frozen)
            report.round(**await check_adopter(server, bucket, ledger, has_lost_disk=False))
            again = sum(max(0, statuses.count(200) - 1) for statuses in ledger.statuses.values())
            unanswered = sum(statuses.count(None) for statuses in ledger.statuses.values())
            outcomes = await server.outcomes()
            duplicates = sum(
                quantity
                for (kind, outcome, _), quantity in outcomes.items()
                if outcome == "duplicate" and kind != "attachment"
            )
            assert again <= duplicates <= again + unanswered
