"""A2, A3, A4: a host that dies or freezes, with what it had not digested in the bucket.

The short forms are exact: everything that was answered has been spilled before the host goes, so
nothing may be lost. The long forms (`make faults`) kill under load, where the last second may go.
"""

import asyncio
import shutil
import signal
import zlib
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import pytest
from sqlalchemy import text

from app.core import clock
from app.db.engine import Database
from app.db.roles import OWNER
from tests.support.builders import traffic
from tests.support.builders.traffic import Ledger
from tests.support.faults import invariant
from tests.support.programme_size import IS_CI, rounds, seeded_dice
from tests.support.report import Report
from tests.support.servers import cluster, process, s3
from tests.support.servers.bucket import (
    SILENT_AFTER_S,
    Bucket,
    wait_until_clean,
    wait_until_spilled,
)
from tests.support.servers.doctor import wait_until_named
from tests.support.servers.process import LaunchOptions, ServerProcess
from tests.support.servers.server import Keyed, Server, keyed, running
from tests.support.waiting import until

ENVELOPES: Final = 16
ADOPTERS: Final = rounds(ci=2, nightly=60)
"""Adopters that are killed one after another."""
STEPS: Final = 90
"""About as many steps as it takes to adopt what one host had spilled."""
HELD: Final = LaunchOptions(hold_digest=True)


@pytest.fixture(scope="module")
def service() -> Iterator[s3.Service]:
    """Run a server that speaks S3."""
    with s3.serving() as started:
        yield started


@pytest.fixture
def bucket(service: s3.Service) -> Bucket:
    """Make an empty bucket."""
    return Bucket(service, service.new_bucket())


@asynccontextmanager
async def opened(database_url: str) -> AsyncIterator[Database]:
    """Open a database for the length of the block."""
    database = Database.open(database_url, max_connections=2)
    yield database
    await database.close()


async def send(server: ServerProcess, to: Keyed, ledger: Ledger, envelopes: int) -> None:
    """Send envelopes of one phone; each must be answered 200."""
    phone = ledger.phone()
    async with traffic.client(server.base_url) as sender:
        for _ in range(envelopes):
            number = next(phone)
            await traffic.deliver(sender, to, ledger, number)
            assert ledger.is_kept(number)


async def adopt_and_check(server: Server, bucket: Bucket, ledger: Ledger) -> None:
    """Wait until all was adopted; then compare what was sent with what is stored and counted."""
    await server.outcomes_reach(Counter(count_items(ledger)))
    await wait_until_clean(bucket)
    findings = await invariant.check_invariant(server, ledger)
    assert (findings.lost, findings.dup, findings.acks) == (0, 0, len(ledger.sent))


def count_items(ledger: Ledger) -> Iterator[tuple[str, str, str]]:
    """Name the outcome that each item of each envelope must have."""
    for envelope in ledger.sent:
        if envelope.segment_id is not None:
            yield ("replay_video", "kept", "")
        elif envelope.event_id is not None:
            yield ("event", "kept", "")
        else:
            yield ("transaction", "kept", "")
        for _ in range(envelope.attachments):
            yield ("attachment", "kept", "")


async def list_processes(database: Database) -> list[str]:
    """Return the journals of the processes that have a row."""
    async with database.reading() as connection:
        return list(await connection.scalars(text("select journal_id from processes")))


def find_journal(folder: Path) -> str:
    """Return the id of the only journal in a data folder."""
    (path,) = (folder / "journal").iterdir()
    return path.name


async def test_a_host_that_dies_with_its_disk_loses_nothing_that_was_spilled(
    database_url: str, tmp_path: Path, bucket: Bucket
) -> None:
    """A2: `doctor` names it, and another process adopts what it had not digested from the bucket.

    The files in the bucket tell nothing to those who may read it.
    """
    ledger = Ledger(seeded_dice("spill"))
    async with opened(database_url) as database:
        to = await keyed(database, "App")
        with process.launch_and_wait(
            database_url, tmp_path / "a", HELD, **bucket.settings()
        ) as dying:
            journal_id = find_journal(tmp_path / "a")
            await send(dying, to, ledger, ENVELOPES)
            await wait_until_spilled(bucket, ENVELOPES)
            for content in map(bucket.read, bucket.list_spilled()):
                assert to.key.encode() not in content
                for envelope in ledger.sent:
                    assert zlib.compress(envelope.body)[2:34] not in content
                    assert envelope.body[:64] not in content
            dying.kill()
            shutil.rmtree(tmp_path / "a")
            died_at = clock.now()
            await wait_until_named(
                database, dying.pid, heartbeat_s=0.2, silent_after_s=SILENT_AFTER_S
            )
            async with running(database_url, tmp_path / "b", **bucket.settings()) as server:
                find_backlog = server.service.work.eraser._find_backlog
                waits_since = find_backlog()
                assert waits_since is not None
                assert waits_since < died_at
                await adopt_and_check(server, bucket, ledger)
                assert journal_id not in await list_processes(database)
                # An erasure has waited for the dead host, and goes on now.
                await until(lambda: find_backlog() is None)


async def test_a_frozen_process_goes_on_behind_what_was_adopted(
    database_url: str, tmp_path: Path, bucket: Bucket
) -> None:
    """A4: it digests nothing twice when it wakes up, and everything that comes afterwards."""
    ledger = Ledger(seeded_dice("frozen"))
    options = LaunchOptions(digest_after=tmp_path / "go")
    async with opened(database_url) as database:
        to = await keyed(database, "App")
        with process.launch_and_wait(
            database_url, tmp_path / "a", options, **bucket.settings()
        ) as frozen:
            await send(frozen, to, ledger, ENVELOPES)
            await wait_until_spilled(bucket, ENVELOPES)
            frozen.send(signal.SIGSTOP)
            async with running(database_url, tmp_path / "b", **bucket.settings()) as server:
                await adopt_and_check(server, bucket, ledger)
                (tmp_path / "go").touch()
                frozen.send(signal.SIGCONT)
                await send(frozen, to, ledger, ENVELOPES)
                await process.wait_until_digested(frozen)
                await adopt_and_check(server, bucket, ledger)


@pytest.mark.parametrize("roles", ["worker"] if IS_CI else ["worker", "door"])
async def test_whoever_adopts_may_be_killed_at_any_step(
    database_url: str, tmp_path: Path, bucket: Bucket, report: Report, roles: str
) -> None:
    """Adopting begins again with the next process, and nothing is lost or doubled."""
    ledger = Ledger(seeded_dice("killed adopters", roles))
    dice = seeded_dice("steps of adopters", roles)
    async with opened(database_url) as database:
        to = await keyed(database, "App")
    settings = bucket.settings(silent_after_s=0.6)
    with process.launch_and_wait(database_url, tmp_path / "a", HELD, **settings) as dying:
        await send(dying, to, ledger, ENVELOPES)
        await wait_until_spilled(bucket, ENVELOPES)
        dying.kill()
    shutil.rmtree(tmp_path / "a")
    places: list[str | None] = []
    for _ in range(ADOPTERS):
        step = LaunchOptions(kill_at=dice.randrange(1, STEPS), kill_within="ingest/spill/adopter")
        with process.launch_server(
            database_url, tmp_path / "b", step, roles=roles, **settings
        ) as adopter:
            await asyncio.to_thread(adopter.wait_for_end, 10.0)
            adopter.kill()
            places.append(adopter.place)
    async with running(database_url, tmp_path / "b", **settings) as server:
        await adopt_and_check(server, bucket, ledger)
    report.round(places=places)


async def test_entries_are_spilled_while_postgres_is_away(tmp_path: Path, bucket: Bucket) -> None:
    """A3: the key is in memory, so that a host which dies in the outage loses nothing either."""
    ledger = Ledger(seeded_dice("outage"))
    with cluster.shared_folder() as folder:
        async with cluster.primary(folder) as postgres:
            url = postgres.url(OWNER, "playhead")
            with process.launch_and_wait(url, tmp_path / "a", **bucket.settings()) as dying:
                async with opened(url) as database:
                    to = await keyed(database, "App")
                await send(dying, to, ledger, 2)
                await process.wait_until_digested(dying)
                postgres.kill()
                await send(dying, to, ledger, ENVELOPES)
                await wait_until_spilled(bucket, ENVELOPES + 2)
                dying.kill()
            shutil.rmtree(tmp_path / "a")
            await postgres.start()
            async with running(url, tmp_path / "b", **bucket.settings()) as server:
                await adopt_and_check(server, bucket, ledger)
