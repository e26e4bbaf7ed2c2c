"""Several workers under one parent serve one port: killed, replaced and stopped under load."""

import asyncio
import os
import re
import signal
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import httpx2
import pytest
from sqlalchemy import text

from app.core.ids import PublicKey
from app.db.engine import Database
from tests.support.builders import envelopes
from tests.support.servers.process import LaunchOptions, ServerProcess, launch_server
from tests.support.waiting import PATIENCE_S, until

_SENDERS = 4
_BEFORE = 40
"""Envelopes that are answered before something happens, and after it."""


@pytest.fixture
async def parent(database_url: str, tmp_path: Path) -> AsyncIterator[ServerProcess]:
    """A parent with two workers that serve."""
    with launch_server(database_url, tmp_path, workers=2, heartbeat_s=0.5) as process:
        assert process.listens()
        await wait_until_digested(process)
        yield process


@dataclass
class Traffic:
    """The answers to senders who go on sending, each after its last answer."""

    answers: Counter[int] = field(default_factory=Counter)
    hang_ups: int = 0
    numbers: Iterator[int] = field(default_factory=lambda: iter(range(1, 1_000_000)))

    async def reach(self, more: int) -> None:
        """Wait until so many more envelopes are answered with 200."""
        goal = self.answers[200] + more
        await until(lambda: self.answers[200] >= goal)


@asynccontextmanager
async def sending(process: ServerProcess, *, reconnects: bool = False) -> AsyncIterator[Traffic]:
    """Let senders send all the time; at the end all have their answers.

    Args:
        process: Where to send.
        reconnects: Whether each envelope comes on a connection of its own.
    """
    traffic, is_over = Traffic(), asyncio.Event()
    key = PublicKey(re.findall(r"//([0-9a-f]{32})@", process.started.dsn)[0])
    headers = envelopes.headers(key) | ({"connection": "close"} if reconnects else {})
    path = f"/api/{process.started.project_id}/envelope/"

    async def send(client: httpx2.AsyncClient) -> None:
        while not is_over.is_set():
            body = envelopes.event_envelope(f"{next(traffic.numbers):032x}")
            try:
                answer = await client.post(path, content=body, headers=headers)
            except httpx2.TransportError:
                traffic.hang_ups += 1
            else:
                traffic.answers[answer.status_code] += 1

    async with (
        httpx2.AsyncClient(base_url=process.base_url, trust_env=False, timeout=120) as client,
        asyncio.TaskGroup() as senders,
    ):
        for _ in range(_SENDERS):
            senders.create_task(send(client))
        yield traffic
        is_over.set()


async def count_stored(database_url: str) -> int:
    """Return how many events are stored."""
    database = Database.open(database_url)
    try:
        async with database.reading() as connection:
            stored, distinct = (
                await connection.execute(
                    text("select count(*), count(distinct event_id) from events")
                )
            ).one()
        assert stored == distinct
        return int(stored)
    finally:
        await database.close()


async def read_series(process: ServerProcess, name: str) -> dict[str, float]:
    """Read the values of a metric by worker."""
    async with httpx2.AsyncClient(
        base_url=process.base_url, trust_env=False, timeout=PATIENCE_S
    ) as client:
        answer = (await client.get("/metrics")).text
    found = re.findall(rf'^{name}{{[^}}]*worker="(\d+)"[^}}]*}} (\S+)$', answer, re.MULTILINE)
    return {worker: float(value) for worker, value in found}


async def read_series_of_both(process: ServerProcess, name: str) -> dict[str, float]:
    """Read the values of a metric of both workers; one is left out if it takes two seconds."""
    async with asyncio.timeout(PATIENCE_S):
        while len(values := await read_series(process, name)) < 2:  # noqa: ASYNC110 - another process
            await asyncio.sleep(0.1)
    return values


async def wait_until_digested(process: ServerProcess) -> None:
    """Wait until no worker has an envelope that is not digested, nor a dead one's journal."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            backlogs = await read_series(process, "playhead_journal_backlog_entries")
            if len(backlogs) == 2 and not any(backlogs.values()):
                return
            await asyncio.sleep(0.1)


def list_journals(folder: Path) -> list[str]:
    """Return the journals in a data folder."""
    return [path.name for path in (folder / "journal").iterdir()]


async def test_a_killed_worker_loses_nothing(
    parent: ServerProcess, database_url: str, tmp_path: Path
):
    """Another worker adopts its journal, and the killed one starts again at once."""
    before = parent.worker_pids()
    assert len(before) == 2
    async with sending(parent) as traffic:
        await traffic.reach(_BEFORE)
        os.kill(min(before), signal.SIGKILL)
        await traffic.reach(_BEFORE)
        await until(lambda: len(parent.worker_pids()) == 2)
    assert set(traffic.answers) == {200}
    assert traffic.hang_ups <= _SENDERS
    assert max(before) in parent.worker_pids()
    await wait_until_digested(parent)
    await until(lambda: len(list_journals(tmp_path)) == 2)
    sent = next(traffic.numbers) - 1
    assert traffic.answers[200] <= await count_stored(database_url) <= sent


@pytest.mark.parametrize("reconnects", [False, True])
async def test_a_rolling_restart_hangs_up_on_nobody(
    parent: ServerProcess, database_url: str, reconnects: bool
):
    """Every worker is replaced, and every sender gets its answer, on old connections and new."""
    before = parent.worker_pids()
    async with sending(parent, reconnects=reconnects) as traffic:
        await traffic.reach(_BEFORE)
        parent.send(signal.SIGHUP)
        await until(lambda: len(parent.worker_pids()) == 2 and not parent.worker_pids() & before)
        await traffic.reach(_BEFORE)
    assert traffic.hang_ups == 0
    assert set(traffic.answers) == {200}
    await wait_until_digested(parent)
    assert await count_stored(database_url) == traffic.answers[200]


async def test_one_port_tells_the_metrics_of_all_workers(parent: ServerProcess):
    """Whichever worker answers, each series is there for both, and counts what came to it."""
    async with sending(parent, reconnects=True) as traffic:
        await traffic.reach(_BEFORE)
    accepted = await read_series_of_both(parent, "playhead_envelopes_accepted_total")
    assert set(accepted) == {"1", "2"}
    assert sum(accepted.values()) == traffic.answers[200]
    counts = await read_series_of_both(parent, "playhead_envelope_answer_seconds_count")
    assert set(counts) == {"1", "2"}
    assert await read_series(parent, "process_resident_memory_bytes")


async def test_workers_end_with_their_parent(parent: ServerProcess, tmp_path: Path):
    """Workers whose parent is killed stop as if they were told to."""
    workers = parent.worker_pids()
    parent.kill()
    await until(lambda: not any(map(is_running, workers)))
    assert list_journals(tmp_path) == []


async def test_stopping_the_parent_stops_its_workers(parent: ServerProcess, tmp_path: Path):
    """At SIGTERM all workers stop as one process would: nothing is left to be digested."""
    workers = parent.worker_pids()
    async with sending(parent) as traffic:
        await traffic.reach(_BEFORE)
        await asyncio.to_thread(parent.stop)
        assert not any(map(is_running, workers))
    assert set(traffic.answers) == {200}
    assert list_journals(tmp_path) == []


async def test_a_worker_that_cannot_start_ends_the_parent(database_url: str, tmp_path: Path):
    """A start that would fail again and again fails at once, as it does without workers."""
    (tmp_path / "journal").write_text("not a folder")
    log_file = tmp_path / "log"
    options = LaunchOptions(log_file=log_file)
    with launch_server(database_url, tmp_path, options, workers=2) as process:
        assert not process.listens()
        process.wait()
    assert "no journal folder in" in log_file.read_text("utf-8")


async def test_a_dying_successor_leaves_the_workers_in_place(parent: ServerProcess, tmp_path: Path):
    """A rolling restart ends with its first failure, and the port is served all the time."""
    before = parent.worker_pids()
    folder, aside = tmp_path / "journal", tmp_path / "aside"
    folder.rename(aside)
    folder.write_text("not a folder")
    parent.send(signal.SIGHUP)
    seen: set[int] = set()

    def has_failed() -> bool:
        with suppress(FileNotFoundError, ProcessLookupError):
            seen.update(parent.worker_pids())
        return bool(seen - before) and parent_workers(parent) == before

    await until(has_failed)
    folder.unlink()
    aside.rename(folder)
    async with sending(parent) as traffic:
        await traffic.reach(_BEFORE)
    assert traffic.hang_ups == 0


def parent_workers(process: ServerProcess) -> set[int]:
    """Return the workers of a parent, once none is just ending."""
    found: set[int] = set()
    with suppress(FileNotFoundError, ProcessLookupError):
        found = process.worker_pids()
    return found


def is_running(pid: int) -> bool:
    """Tell whether a process runs."""
    try:
        return "Z" not in Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2][:3]
    except FileNotFoundError:
        return False
