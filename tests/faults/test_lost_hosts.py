"""A2, A3, A4 at length: hosts die or freeze under load, and others go on with what they spilled.

Their short forms, in `tests/processes/test_spill`, are exact. Here entries arrive until the last
moment, so those of the last second may be lost with the disk, and no others. The first round of
each test has the settings that Playhead is installed with, and measures; the others hurry.
"""

import asyncio
import shutil
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

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
from tests.support.servers.doctor import wait_until_named
from tests.support.servers.process import LaunchOptions
from tests.support.servers.server import Keyed, keyed, running

ROUNDS: Final = programme_size.rounds(ci=1, nightly=10)
EXPOSED_S: Final = 1.2
"""The longest time that an entry lies on one disk only: a second, and a put."""
NAMED_WITHIN_S: Final = 15.0
"""The time within which `doctor` names a host that has died, with the settings as installed."""
ADOPTED_WITHIN_S: Final = 90.0
"""The time within which everything that it had spilled is stored, with the same settings."""


@dataclass(frozen=True, slots=True)
class RoundTimes:
    """The times of one round, in seconds."""

    heartbeat_s: float
    silent_after_s: float
    outage_s: float
    """The time for which Postgres is away before a host dies."""
    frozen_s: float
    """The time for which a host is stopped."""
    is_measured: bool = False

    def settings(self, bucket: Bucket) -> dict[str, Any]:
        """Return the settings of the servers of this round."""
        return bucket.settings(
            spill_after_s=1.0, heartbeat_s=self.heartbeat_s, silent_after_s=self.silent_after_s
        )


AS_INSTALLED: Final = RoundTimes(
    heartbeat_s=5, silent_after_s=60, outage_s=60, frozen_s=90, is_measured=True
)
HURRIED: Final = RoundTimes(heartbeat_s=0.2, silent_after_s=5, outage_s=20, frozen_s=40)


def choose_times(number: int) -> RoundTimes:
    """Return the times of a round."""
    return HURRIED if number else AS_INSTALLED


def forgive_the_last(ledger: Ledger, died_at_s: float) -> int:
    """Let what was answered in the last moment before a death count as unanswered.

    Returns:
        How many envelopes that are.
    """
    late = [
        number
        for number, answered_s in ledger.answered_s.items()
        if answered_s > died_at_s - EXPOSED_S
    ]
    for number in late:
        ledger.statuses[number] = [None]
    return len(late)


async def find_app(database_url: str) -> Keyed:
    """Return the project that phones send to; it is made if it is not there."""
    database = Database.open(database_url, max_connections=1)
    to = await keyed(database, "App")
    await database.close()
    return to


@pytest.fixture
def bucket() -> Iterator[Bucket]:
    """Make a bucket on a server of its own."""
    with s3.serving() as service:
        yield Bucket(service, service.new_bucket())


@pytest.mark.parametrize("number", range(ROUNDS))
@pytest.mark.parametrize("is_postgres_away", [False, True])
async def test_a_host_dies_with_its_disk(
    tmp_path: Path, bucket: Bucket, report: Report, number: int, is_postgres_away: bool
) -> None:
    """Envelopes received until a second before are stored once, in an outage of Postgres too.

    In every other round its digest stands still, so that there is much to adopt.
    """
    dice = programme_size.seeded_dice("lost host", number, is_postgres_away)
    ledger, times = Ledger(dice), choose_times(number)
    settings = times.settings(bucket)
    options = LaunchOptions(hold_digest=not is_postgres_away and number % 2 == 0)
    with cluster.shared_folder() as folder:
        async with cluster.primary(folder) as postgres:
            url = postgres.url(OWNER, "playhead")
            await migrate.upgrade(url)
            to = await find_app(url)
            with (
                process.launch_and_wait(url, tmp_path / "a", options, **settings) as dying,
                process.launch_and_wait(url, tmp_path / "b", **settings),
            ):
                async with traffic.sending_phones(dying.base_url, to, ledger):
                    await asyncio.sleep(3 + dice.random())
                    if is_postgres_away:
                        postgres.kill()
                        await asyncio.sleep(times.outage_s + dice.random())
                    died_at_s = monotonic_s()
                    dying.kill()
                shutil.rmtree(tmp_path / "a")
                began_s = died_at_s
                if is_postgres_away:
                    await postgres.start()
                    began_s = monotonic_s()
                database = Database.open(url, max_connections=1)
                await wait_until_named(
                    database,
                    dying.pid,
                    heartbeat_s=times.heartbeat_s,
                    silent_after_s=times.silent_after_s,
                )
                await database.close()
                named_s = round(monotonic_s() - began_s, 1)
                await wait_until_clean(bucket)
                adopted_s = round(monotonic_s() - began_s, 1)
            forgiven = forgive_the_last(ledger, died_at_s)
            async with running(url, tmp_path / "c", **settings) as server:
                findings = await invariant.check_invariant(server, ledger)
            report.round(
                is_measured=times.is_measured,
                named_s=named_s,
                adopted_s=adopted_s,
                forgiven=forgiven,
                **findings.facts(),
            )
            if times.is_measured:
                assert named_s <= NAMED_WITHIN_S
                assert adopted_s <= ADOPTED_WITHIN_S


@pytest.mark.parametrize("number", range(ROUNDS))
async def test_a_frozen_host_goes_on(
    database_url: str, tmp_path: Path, bucket: Bucket, report: Report, number: int
) -> None:
    """A process that was stopped under load, adopted and continued counts nothing twice.

    In every other round it has stored nothing before it is stopped.
    """
    ledger, times = Ledger(programme_size.seeded_dice("frozen host", number)), choose_times(number)
    settings = times.settings(bucket)
    options = LaunchOptions(digest_after=tmp_path / "go" if number % 2 == 0 else None)
    with process.launch_and_wait(database_url, tmp_path / "a", options, **settings) as frozen:
        async with running(database_url, tmp_path / "b", **settings) as server:
            async with traffic.sending_phones(frozen.base_url, server.app, ledger):
                await asyncio.sleep(3)
                frozen.send(signal.SIGSTOP)
                await asyncio.sleep(times.frozen_s)
                adopted = (await server.outcomes()).total()
                (tmp_path / "go").touch()
                frozen.send(signal.SIGCONT)
                await asyncio.sleep(3)
            assert adopted or options.digest_after is None
            await process.wait_until_digested(frozen)
            await wait_until_clean(bucket)
            findings = await invariant.check_invariant(server, ledger)
            again = sum(max(0, statuses.count(200) - 1) for statuses in ledger.statuses.values())
            unanswered = sum(statuses.count(None) for statuses in ledger.statuses.values())
            outcomes = await server.outcomes()
            duplicates = sum(
                quantity
                for (kind, outcome, _), quantity in outcomes.items()
                if outcome == "duplicate" and kind != "attachment"
            )
            report.round(
                is_measured=times.is_measured,
                adopted=adopted,
                sent_again=again,
                duplicates=duplicates,
                **findings.facts(),
            )
            assert again <= duplicates <= again + unanswered
