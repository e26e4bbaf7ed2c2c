"""F3: Postgres is killed, stopped, frozen, locked, read-only or full, at twenty envelopes a second.

Phones notice nothing: every envelope is answered 200, and all of it is there soon after.
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
from app.db.postmaster import Postmaster
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
from tests.support.waiting import until

LETTERS = programme_size.rounds(ci=20, nightly=1_200)
"""Envelopes sent while Postgres is away: at twenty a second, a minute in nightly runs."""
ROUNDS = programme_size.rounds(ci=1, nightly=5)
KILLS = programme_size.rounds(ci=3, nightly=20)
SENDERS = 4
PAUSE_S = 0.2
"""Four senders, five times a second each."""
PATIENCE_S = 120.0


class Postgres:
    """A Postgres of the test's own, with the settings that installations have."""

    def __init__(self, data_dir: Path) -> None:
        self._data_dir = data_dir
        self._postmaster = Postmaster(data_dir)
        self.url = self._postmaster.start()
        self.cutter: CommitCutter | None = None

    def pids(self) -> list[int]:
        """Return the processes of the server, the first of them first."""
        assert self._postmaster.pid is not None
        first = psutil.Process(self._postmaster.pid)
        return [first.pid, *(child.pid for child in first.children(recursive=True))]

    async def kill(self) -> None:
        """End it as the kernel does when memory is short."""
        (pid, *_) = self.pids()
        os.kill(pid, signal.SIGKILL)
        await until(lambda: self._postmaster.pid is None)

    async def start(self) -> None:
        """Start it again."""
        await asyncio.to_thread(self._postmaster.start)

    async def stop(self) -> None:
        """Stop it as an operator does."""
        await asyncio.to_thread(self._postmaster.stop)
        self._postmaster = Postmaster(self._data_dir)


@pytest.fixture
def postgres() -> Iterator[Postgres]:
    """A server with an empty database."""
    # Not under pytest's own folder: that is 0700, and as root the server is another user.
    folder = Path(tempfile.mkdtemp(prefix="playhead-faults-"))
    folder.chmod(0o755)
    own = Postgres(folder)
    yield own
    asyncio.run(own.stop())
    shutil.rmtree(folder, ignore_errors=True)


@asynccontextmanager
async def killed(postgres: Postgres) -> AsyncIterator[None]:
    """Kill it, and start it again at the end."""
    await postgres.kill()
    yield
    await postgres.start()


@asynccontextmanager
async def stopped(postgres: Postgres) -> AsyncIterator[None]:
    """Stop it, and start it again at the end."""
    await postgres.stop()
    yield
    await postgres.start()


@asynccontextmanager
async def frozen(postgres: Postgres) -> AsyncIterator[None]:
    """Let every process of it stand still."""
    pids = postgres.pids()
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    yield
    for pid in reversed(pids):
        os.kill(pid, signal.SIGCONT)


@asynccontextmanager
async def read_only(postgres: Postgres) -> AsyncIterator[None]:
    """Let it refuse every write, as a server does that became a standby."""
    for value in ("on", "off"):
        await run_sql(postgres.url, f"alter system set default_transaction_read_only = {value}")
        await run_sql(postgres.url, "select pg_reload_conf()")
        if value == "on":
            yield


@asynccontextmanager
async def locked(postgres: Postgres) -> AsyncIterator[None]:
    """Hold the tables that digest writes."""
    database = Database.open(postgres.url, pool_size=1)
    async with database.transaction() as connection:
        await connection.exec_driver_sql("lock table segments, replays in access exclusive mode")
        yield
    await database.close()


@asynccontextmanager
async def closed_to_us(postgres: Postgres) -> AsyncIterator[None]:
    """Refuse every connection, and end those that there are."""
    async with ruled_by(postgres, "reject"):
        yield


@asynccontextmanager
async def password_changed(postgres: Postgres) -> AsyncIterator[None]:
    """Ask for a password that the server was not told, and end the connections that there are."""
    await run_sql(postgres.url, f"alter role current_user password '{secrets.token_hex(8)}'")
    async with ruled_by(postgres, "scram-sha-256"):
        yield


@asynccontextmanager
async def ruled_by(postgres: Postgres, method: str) -> AsyncIterator[None]:
    """Let everybody come in by this method only."""
    rules = Path(postgres._data_dir, "postgres", "playhead_hba.conf")
    before = await asyncio.to_thread(rules.read_text, "utf-8")
    await asyncio.to_thread(rules.write_text, f"local all all {method}\n", "utf-8")
    await run_sql(
        postgres.url,
        "select pg_reload_conf(); select pg_terminate_backend(pid) from pg_stat_activity"
        " where application_name = 'playhead'",
    )
    with pytest.raises(asyncpg.InvalidAuthorizationSpecificationError):
        await run_sql(postgres.url, "select 1")
    yield
    await asyncio.to_thread(rules.write_text, before, "utf-8")
    os.kill(postgres.pids()[0], signal.SIGHUP)


@asynccontextmanager
async def cut_in_commit(postgres: Postgres) -> AsyncIterator[None]:
    """Let commits go through and lose their answers."""
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
async def sending(server: ServerProcess, to: Keyed, ledger: Ledger) -> AsyncIterator[None]:
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


async def more(ledger: Ledger, letters: int) -> None:
    """Wait until so many more letters were answered."""
    wanted = len(ledger.statuses) + letters
    await until(lambda: len(ledger.statuses) >= wanted, deadline_s=PATIENCE_S)


async def suffer(
    server: ServerProcess, to: Keyed, outage: AbstractAsyncContextManager[None], *, name: str
) -> Ledger:
    """Send before, during and after an outage; return when all of it is digested."""
    # By name: two outages may come to lie at one address, and would then send the same replays.
    ledger = Ledger(programme_size.seeded_dice("postgres", name), padding_bytes=4_000)
    async with sending(server, to, ledger):
        await more(ledger, 8)
        async with outage:
            await more(ledger, LETTERS)
        await more(ledger, 8)
    return ledger


@pytest.mark.parametrize("number", range(ROUNDS))
async def test_outages_of_postgres(
    postgres: Postgres, tmp_path: Path, report: Report, number: int
) -> None:
    """One server lives through every outage; all is answered 200 and there when it is over."""
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
            # In a thread: what stands between it and Postgres runs in this loop.
            assert await asyncio.to_thread(server.listens)
            for outage in OUTAGES:
                ledger = await suffer(server, to, outage(postgres), name=outage.__name__)
                settle_s = round(
                    await process.wait_until_digested(server, deadline_s=PATIENCE_S), 2
                )
                report.round(outages=1, outage=outage.__name__, settle_s=settle_s)
                assert ledger.answers == {200}, outage.__name__
                ledgers.append(ledger)
            server.kill()
    whole = Ledger(programme_size.seeded_dice())
    for ledger in ledgers:
        first = len(whole.letters)
        whole.letters += ledger.letters
        whole.statuses |= {first + place: found for place, found in ledger.statuses.items()}
    async with running(postgres.url, tmp_path) as started:
        found = await invariant.check_invariant(started, whole)
    report.round(**found.facts())


@asynccontextmanager
async def embedded(folder: Path) -> AsyncIterator[tuple[ServerProcess, Keyed]]:
    """Run a server with a Postgres of its own."""
    with process.launch_and_wait(None, folder) as server:
        found = credentials.parse_dsn(server.started.dsn)
        assert found is not None
        yield server, Keyed(ProjectId(int(found[1])), found[0])


async def check_embedded(folder: Path, to: Keyed, ledger: Ledger) -> invariant.InvariantFindings:
    """Look at what an ended server with a Postgres of its own has kept."""
    postmaster = Postmaster(folder)
    try:
        async with running(await asyncio.to_thread(postmaster.start), folder) as server:
            return await invariant.check_invariant(server.of(to), ledger)
    finally:
        await asyncio.to_thread(postmaster.stop)


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that the system user of Postgres may enter."""
    folder = Path(tempfile.mkdtemp(prefix="playhead-faults-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


def ready_pid(folder: Path) -> int:
    """Return the embedded server's process id; 0 while it takes no connections."""
    file = folder / "postgres" / "postmaster.pid"
    lines = file.read_text("ascii").splitlines() if file.exists() else []
    return int(lines[0]) if len(lines) > 7 and lines[7].strip() == "ready" else 0


async def comes_back(folder: Path, before: int) -> None:
    """Wait for another process than the one that was killed."""
    await until(lambda: ready_pid(folder) not in (0, before), deadline_s=PATIENCE_S)


async def test_killed_embedded_postgres_comes_back(open_folder: Path, report: Report) -> None:
    """Killed under load, again and again, it is started by the server, and nothing is lost."""
    ledger = Ledger(programme_size.seeded_dice("embedded"), padding_bytes=4_000)
    async with embedded(open_folder) as (server, to), sending(server, to, ledger):
        for _ in range(KILLS):
            await more(ledger, 8)
            before = ready_pid(open_folder)
            os.kill(before, signal.SIGKILL)
            await comes_back(open_folder, before)
        await more(ledger, 8)
        settle_s = round(await process.wait_until_digested(server, deadline_s=PATIENCE_S), 2)
    assert ledger.answers == {200}
    found = await check_embedded(open_folder, to, ledger)
    report.round(kills=KILLS, **{**found.facts(), "settle_s": settle_s})


@contextmanager
def cluster_on_a_disk(folder: Path) -> Iterator[Path]:
    """Make an embedded cluster and move it to a disk of its own."""
    postmaster = Postmaster(folder)
    postmaster.start()
    postmaster.stop()
    made = (folder / "postgres").rename(folder / "made")
    with mounts.ext4(folder / "postgres", folder / "image", size_mib=160) as disk:
        subprocess.run(["cp", "-a", f"{made}/.", str(disk)], check=True)
        yield disk


@mounts.needs_root
async def test_a_full_disk_of_postgres(open_folder: Path, report: Report) -> None:
    """With no room for rows envelopes are kept in the journal, and stored when there is room."""
    ledger = Ledger(programme_size.seeded_dice("full postgres"), padding_bytes=4_000)
    with cluster_on_a_disk(open_folder) as disk:
        async with embedded(open_folder) as (server, to), sending(server, to, ledger):
            await more(ledger, 8)
            with mounts.filled(disk):
                await more(ledger, LETTERS)
            await more(ledger, 8)
            settle_s = round(await process.wait_until_digested(server, deadline_s=PATIENCE_S), 2)
        assert ledger.answers == {200}
        found = await check_embedded(open_folder, to, ledger)
    report.round(**{**found.facts(), "settle_s": settle_s})
