"""F3: Postgres is killed, stopped, frozen, locked, read-only or full, under load.

Phones notice nothing: at twenty envelopes a second every one is answered 200, and all of them are
stored soon after.
"""

import asyncio
import os
import secrets
import shutil
import signal
import subprocess
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from pathlib import Path
from typing import Final

import asyncpg
import psutil
import pytest

from app.core.ids import ProjectId
from app.db import migrate
from app.db.engine import Database
from app.db.server.postmaster import Postmaster
from app.formats.wire import credentials
from tests.support import programme_size
from tests.support.builders import traffic
from tests.support.builders.traffic import Ledger
from tests.support.faults import commit_cutter, invariant, mounts
from tests.support.faults.commit_cutter import CommitCutter
from tests.support.report import Report
from tests.support.servers import process
from tests.support.servers.postgres import run_sql
from tests.support.servers.process import ServerProcess
from tests.support.servers.server import Keyed, keyed, running
from tests.support.waiting import PATIENCE_S, until

ENVELOPES = programme_size.rounds(ci=20, nightly=1_200)
"""Envelopes sent while Postgres is away: at twenty a second, a minute in nightly runs."""
ROUNDS = programme_size.rounds(ci=1, nightly=5)
KILLS = programme_size.rounds(ci=3, nightly=20)
SENDERS = 4
PAUSE_S = 0.2
"""Pause of each of the four senders, which thus send five times a second."""


class Postgres:
    """A Postgres server of the test, with the settings that installations have."""

    def __init__(self, data_dir: Path) -> None:
        self._data_dir = data_dir
        self._postmaster = Postmaster(data_dir)
        self.url = self._postmaster.start()
        self.cutter: CommitCutter | None = None

    def pids(self) -> list[int]:
        """Return the process ids of the server, with that of the postmaster first."""
        assert self._postmaster.pid is not None
        first = psutil.Process(self._postmaster.pid)
        return [first.pid, *(child.pid for child in first.children(recursive=True))]

    async def kill(self) -> None:
        """Kill the server as the kernel does when memory is short."""
        (pid, *_) = self.pids()
        os.kill(pid, signal.SIGKILL)
        await until(lambda: self._postmaster.pid is None)

    async def start(self) -> None:
        """Start the server again."""
        await asyncio.to_thread(self._postmaster.start)

    async def stop(self) -> None:
        """Stop the server as an operator does."""
        await asyncio.to_thread(self._postmaster.stop)
        self._postmaster = Postmaster(self._data_dir)


@pytest.fixture
def postgres() -> Iterator[Postgres]:
    """Run a Postgres server with an empty database."""
    # pytest's own folder has mode 0700, and Postgres runs as another user when this one is root.
    folder = Path(tempfile.mkdtemp(prefix="playhead-faults-"))
    folder.chmod(0o755)
    server = Postgres(folder)
    yield server
    asyncio.run(server.stop())
    shutil.rmtree(folder, ignore_errors=True)


@asynccontextmanager
async def killed(postgres: Postgres) -> AsyncIterator[None]:
    """Kill the server, and start it again at the end of the block."""
    await postgres.kill()
    yield
    await postgres.start()


@asynccontextmanager
async def stopped(postgres: Postgres) -> AsyncIterator[None]:
    """Stop the server, and start it again at the end of the block."""
    await postgres.stop()
    yield
    await postgres.start()


@asynccontextmanager
async def frozen(postgres: Postgres) -> AsyncIterator[None]:
    """Freeze every process of the server until the block ends."""
    pids = postgres.pids()
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    yield
    for pid in reversed(pids):
        os.kill(pid, signal.SIGCONT)


@asynccontextmanager
async def read_only(postgres: Postgres) -> AsyncIterator[None]:
    """Make the server refuse every write, as one does that became a standby."""
    for value in ("on", "off"):
        await run_sql(postgres.url, f"alter system set default_transaction_read_only = {value}")
        await run_sql(postgres.url, "select pg_reload_conf()")
        if value == "on":
            yield


@asynccontextmanager
async def locked(postgres: Postgres) -> AsyncIterator[None]:
    """Hold locks on the tables that digest writes, taken in the order in which digest does."""
    database = Database.open(postgres.url, pool_size=1)
    async with database.transaction() as connection:
        # The embedded Postgres ends transactions that are left alone for a minute.
        await connection.exec_driver_sql("set local idle_in_transaction_session_timeout = 0")
        await connection.exec_driver_sql("lock table replays, segments in access exclusive mode")
        yield
    await database.close()


@asynccontextmanager
async def closed_to_us(postgres: Postgres) -> AsyncIterator[None]:
    """Refuse every connection and end those that exist."""
    async with require_method(postgres, "reject"):
        yield


@asynccontextmanager
async def password_changed(postgres: Postgres) -> AsyncIterator[None]:
    """Require a password that Playhead does not know, and end the connections that exist."""
    await run_sql(postgres.url, f"alter role current_user password '{secrets.token_hex(8)}'")
    async with require_method(postgres, "scram-sha-256"):
        yield


@asynccontextmanager
async def require_method(postgres: Postgres, method: str) -> AsyncIterator[None]:
    """Allow connections with this authentication method only."""
    rules = Path(postgres._data_dir, "postgres", "playhead_hba.conf")
    original_rules = await asyncio.to_thread(rules.read_text, "utf-8")
    await asyncio.to_thread(rules.write_text, f"local all all {method}\n", "utf-8")
    await run_sql(
        postgres.url,
        "select pg_reload_conf(); select pg_terminate_backend(pid) from pg_stat_activity"
        " where application_name = 'playhead'",
    )
    with pytest.raises(asyncpg.InvalidAuthorizationSpecificationError):
        await run_sql(postgres.url, "select 1")
    yield
    await asyncio.to_thread(rules.write_text, original_rules, "utf-8")
    os.kill(postgres.pids()[0], signal.SIGHUP)


@asynccontextmanager
async def cut_in_commit(postgres: Postgres) -> AsyncIterator[None]:
    """Let commits succeed and lose their answers."""
    cutter = postgres.cutter
    assert cutter is not None
    cutter.is_cutting = True
    yield
    cutter.is_cutting = False
    assert cutter.cuts > 0


Outage = Callable[[Postgres], AbstractAsyncContextManager[None]]
OUTAGES: Final[tuple[Outage, ...]] = (
    killed, stopped, frozen, read_only, locked, closed_to_us, password_changed,
    cut_in_commit,
)  # fmt: skip


@asynccontextmanager
async def sending_under_load(
    server: ServerProcess, to: Keyed, ledger: Ledger
) -> AsyncIterator[None]:
    """Send twenty envelopes a second until the block ends."""
    is_over = asyncio.Event()
    load = asyncio.create_task(
        traffic.send_as_phones(
            server.base_url, to, ledger, senders=SENDERS, is_over=is_over.is_set, pause_s=PAUSE_S
        )
    )
    try:
        yield
    finally:
        is_over.set()
        await load


async def wait_for_answers(ledger: Ledger, count: int) -> None:
    """Wait until this many more envelopes were answered."""
    target = len(ledger.statuses) + count
    await until(lambda: len(ledger.statuses) >= target, deadline_s=PATIENCE_S)


async def send_through_outage(
    server: ServerProcess, to: Keyed, outage: AbstractAsyncContextManager[None], *, name: str
) -> Ledger:
    """Send before, during and after an outage, and return what was sent."""
    # The seed is the name: two outage objects may get the same id, and would send the same replays.
    ledger = Ledger(programme_size.seeded_dice("postgres", name), padding_bytes=4_000)
    async with sending_under_load(server, to, ledger):
        await wait_for_answers(ledger, 8)
        async with outage:
            await wait_for_answers(ledger, ENVELOPES)
        await wait_for_answers(ledger, 8)
    return ledger


@pytest.mark.parametrize("number", range(ROUNDS))
async def test_outages_of_postgres_lose_nothing(
    postgres: Postgres, tmp_path: Path, report: Report, number: int
) -> None:
    """Through every outage each envelope is answered 200, and all of them are kept."""
    await migrate.upgrade(postgres.url)
    database = Database.open(postgres.url, pool_size=1)
    to = await keyed(database, "App")
    await database.close()
    sockets = tmp_path / "sockets"
    sockets.mkdir()
    ledgers = []
    async with commit_cutter.in_front_of(postgres.url, sockets) as (cutter, url):
        postgres.cutter = cutter
        with process.launch_server(url, tmp_path) as server:
            # In a thread, because the proxy between it and Postgres runs in this loop.
            assert await asyncio.to_thread(server.listens)
            for outage in OUTAGES:
                ledger = await send_through_outage(
                    server, to, outage(postgres), name=outage.__name__
                )
                settle_s = round(
                    await process.wait_until_digested(server, deadline_s=PATIENCE_S), 2
                )
                report.round(outages=1, outage=outage.__name__, settle_s=settle_s)
                assert ledger.answers == {200}, outage.__name__
                ledgers.append(ledger)
            server.kill()
    all_sent = Ledger(programme_size.seeded_dice())
    for ledger in ledgers:
        first = len(all_sent.sent)
        all_sent.sent += ledger.sent
        all_sent.statuses |= {
            first + number_in_ledger: findings
            for number_in_ledger, findings in ledger.statuses.items()
        }
    async with running(postgres.url, tmp_path, **invariant.SETTINGS_OF_CHECKED_SERVER) as started:
        findings = await invariant.check_invariant(started, all_sent)
    report.round(**findings.facts())


@asynccontextmanager
async def run_embedded(folder: Path) -> AsyncIterator[tuple[ServerProcess, Keyed]]:
    """Run a server with an embedded Postgres."""
    with process.launch_and_wait(None, folder) as server:
        credentials_of_dsn = credentials.parse_dsn(server.started.dsn)
        assert credentials_of_dsn is not None
        yield server, Keyed(ProjectId(int(credentials_of_dsn[1])), credentials_of_dsn[0])


async def check_embedded(folder: Path, to: Keyed, ledger: Ledger) -> invariant.InvariantFindings:
    """Check what a stopped server with an embedded Postgres has kept."""
    postmaster = Postmaster(folder)
    try:
        url = await asyncio.to_thread(postmaster.start)
        async with running(url, folder, **invariant.SETTINGS_OF_CHECKED_SERVER) as server:
            return await invariant.check_invariant(server.of(to), ledger)
    finally:
        await asyncio.to_thread(postmaster.stop)


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """Make a folder that the system user of Postgres may enter."""
    folder = Path(tempfile.mkdtemp(prefix="playhead-faults-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


def ready_pid(folder: Path) -> int:
    """Return the embedded server's process id, or 0 while it takes no connections."""
    try:
        lines = (folder / "postgres" / "postmaster.pid").read_text("ascii").splitlines()
    except FileNotFoundError:  # a new server has removed the file of the killed one
        return 0
    return int(lines[0]) if len(lines) > 7 and lines[7].strip() == "ready" else 0


async def wait_for_new_process(folder: Path, killed_pid: int) -> None:
    """Wait until another process than the killed one takes connections."""
    await until(lambda: ready_pid(folder) not in (0, killed_pid), deadline_s=PATIENCE_S)


async def test_a_killed_embedded_postgres_is_restarted(open_folder: Path, report: Report) -> None:
    """The server restarts a Postgres that is killed under load, and nothing is lost."""
    ledger = Ledger(programme_size.seeded_dice("embedded"), padding_bytes=4_000)
    async with run_embedded(open_folder) as (server, to), sending_under_load(server, to, ledger):
        for _ in range(KILLS):
            await wait_for_answers(ledger, 8)
            pid = ready_pid(open_folder)
            assert pid != 0  # that would kill this process and whatever belongs to it
            os.kill(pid, signal.SIGKILL)
            await wait_for_new_process(open_folder, pid)
        await wait_for_answers(ledger, 8)
        settle_s = round(await process.wait_until_digested(server, deadline_s=PATIENCE_S), 2)
    assert ledger.answers == {200}
    findings = await check_embedded(open_folder, to, ledger)
    report.round(kills=KILLS, **{**findings.facts(), "settle_s": settle_s})


@contextmanager
def cluster_on_a_disk(folder: Path) -> Iterator[Path]:
    """Make an embedded cluster and move it to a disk of its own."""
    postmaster = Postmaster(folder)
    postmaster.start()
    postmaster.stop()
    prepared_folder = (folder / "postgres").rename(folder / "made")
    with mounts.ext4(folder / "postgres", folder / "image", size_mib=160) as disk:
        subprocess.run(["cp", "-a", f"{prepared_folder}/.", str(disk)], check=True)
        yield disk


@mounts.needs_root
async def test_a_full_disk_of_postgres_loses_nothing(open_folder: Path, report: Report) -> None:
    """While the disk is full, envelopes wait in the journal, and are stored once there is space."""
    ledger = Ledger(programme_size.seeded_dice("full postgres"), padding_bytes=4_000)
    with cluster_on_a_disk(open_folder) as disk:
        async with (
            run_embedded(open_folder) as (server, to),
            sending_under_load(server, to, ledger),
        ):
            await wait_for_answers(ledger, 8)
            with mounts.filled(disk):
                await wait_for_answers(ledger, ENVELOPES)
            await wait_for_answers(ledger, 8)
            settle_s = round(await process.wait_until_digested(server, deadline_s=PATIENCE_S), 2)
        assert ledger.answers == {200}
        findings = await check_embedded(open_folder, to, ledger)
    report.round(**{**findings.facts(), "settle_s": settle_s})
