"""A1, A9, A11: several processes on one database and one bucket are one product."""

import asyncio
import itertools
import queue
import re
import threading
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

import asyncpg
import httpx2
import pytest

from app.accounts import queries as accounts
from app.db.engine import Database
from app.processes import records
from app.projects import queries as projects
from tests.support import programme_size
from tests.support.builders import traffic
from tests.support.builders.traffic import Ledger
from tests.support.faults import invariant
from tests.support.recorded import contents, delivery, samples
from tests.support.report import Report
from tests.support.servers import postgres, process, proxies, s3
from tests.support.servers.bucket import Bucket
from tests.support.servers.process import ServerProcess
from tests.support.servers.server import Server, running
from tests.support.waiting import PATIENCE_S, until_asked

FAMILIES: Final = (
    ("android-crash-a", "delivery-shuffled-a", "node-7-express", "python-2.75-span-streaming")
    if programme_size.IS_CI
    else tuple(samples.families())
)
DOORS: Final = 3
PHONES: Final = 32
"""Addresses of phones, which nginx divides among the doors: none gets nothing."""
STARTED_AT_ONCE: Final = 4 if programme_size.IS_CI else 8
CONNECTIONS: Final = 5
"""The connections of each of them: the Postgres of the tests has room for 60 in all."""
STARTS: Final = programme_size.rounds(ci=1, nightly=20)
LOADED: Final = 4
ENVELOPES: Final = programme_size.rounds(ci=240, nightly=36_000)
"""Envelopes that four processes take in all."""
_ACCEPTED: Final = re.compile(r"^playhead_envelopes_accepted_total\S* (\S+)$", re.MULTILINE)
DELAY_S: Final = 0.001
"""The way to Postgres and the way back take this long, each."""


@pytest.fixture
async def second_database_url(postgres_url: str, template_database: str) -> AsyncIterator[str]:
    """Make another migrated database."""
    async for url in postgres._fresh_database(postgres_url, template=template_database):
        yield url


async def dump_everything(server: Server) -> dict[str, Any]:
    """Return all replays, issues and outcomes, but for what depends on the order of arrival."""
    replay_ids = sorted(
        {
            replay["replay_id"]
            for family in FAMILIES
            for replay in contents.conclusions(family).get("replays", ())
        }
    )
    return {
        "replays": {replay_id: await server.dump(replay_id) for replay_id in replay_ids},
        "issues": await server.dump_issues(),
        "outcomes": [await server.outcomes(project) for project in (server.app, server.backend)],
    }


async def deliver_in_turn(places: Sequence[Server]) -> None:
    """Deliver all families, shuffled, each request to the next place."""
    requests = [request for family in FAMILIES for request in contents.requests(family)]
    programme_size.seeded_dice("several").shuffle(requests)
    for request, place in zip(requests, itertools.cycle(places), strict=False):
        answer = await delivery.deliver(place, request)
        assert answer.status_code == 200, f"{request.name}: {answer.text}"


async def test_three_processes_store_what_one_stores(
    database_url: str, second_database_url: str, tmp_path: Path
) -> None:
    """Replays, issues and outcomes are the same, whichever process took and digested a request."""
    async with running(second_database_url, tmp_path / "alone") as alone:
        await deliver_in_turn([alone])
        await alone.settled()
        expected = await dump_everything(alone)
    with s3.serving() as service:
        settings = Bucket(service, service.new_bucket()).settings(spill_after_s=60)
        secret = settings["s3_secret_access_key"].get_secret_value()
        async with AsyncExitStack() as stack:
            first = await stack.enter_async_context(
                running(database_url, tmp_path / "0", **settings)
            )
            others = [
                stack.enter_context(
                    process.launch_and_wait(
                        database_url,
                        tmp_path / str(number),
                        **{**settings, "s3_secret_access_key": secret},
                    )
                )
                for number in range(1, DOORS)
            ]
            doors = [first.base_url, *(other.base_url for other in others)]
            async with behind_nginx(first, doors, tmp_path / "proxy") as phones:
                await deliver_in_turn(phones)
            assert all([await count_accepted(door) for door in doors])
            await first.settled()
            for other in others:
                await process.wait_until_digested(other)
            stored = await dump_everything(first)
    assert stored["outcomes"] == expected["outcomes"]
    assert stored["issues"] == expected["issues"]
    assert stored["replays"] == expected["replays"]
    assert any(stored["replays"].values())


@asynccontextmanager
async def behind_nginx(
    first: Server, doors: Sequence[str], folder: Path
) -> AsyncIterator[list[Server]]:
    """Put nginx before some doors, and give what phones with different addresses reach there."""
    upstreams = [door.removeprefix("http://") for door in doors]
    async with (
        proxies.in_front_of(*upstreams, folder=folder, kind="nginx") as proxy,
        AsyncExitStack() as stack,
    ):
        senders = [
            await stack.enter_async_context(traffic.client(proxy, source=f"127.0.1.{number}"))
            for number in range(1, PHONES + 1)
        ]
        yield [replace(first, base_url=proxy, sender=sender) for sender in senders]


async def count_accepted(base_url: str) -> int:
    """Return how many envelopes a process has accepted since its start."""
    async with httpx2.AsyncClient(trust_env=False, timeout=PATIENCE_S) as client:
        metrics = (await client.get(f"{base_url}/metrics")).text
    return sum(int(float(count)) for count in _ACCEPTED.findall(metrics))


@pytest.mark.parametrize("is_migrated", [False, True])
@pytest.mark.parametrize("number", range(STARTS))
async def test_processes_that_start_at_once_all_become_ready(
    database_url: str, empty_database_url: str, tmp_path: Path, *, is_migrated: bool, number: int
) -> None:
    """One of them migrates, makes the first project and claims the store; the others wait."""
    assert number < STARTS
    url = database_url if is_migrated else empty_database_url
    with ExitStack() as stack:
        started = [
            stack.enter_context(
                process.launch_server(
                    url, tmp_path, heartbeat_s=0.2, database_connections=CONNECTIONS
                )
            )
            for _ in range(STARTED_AT_ONCE)
        ]
        assert await asyncio.gather(*(asyncio.to_thread(each.listens) for each in started)) == (
            [True] * STARTED_AT_ONCE
        )
        assert await ask_ready(started) == {200}
        assert len({each.started.dsn.rpartition("@")[0] for each in started}) == 1
        database = Database.open(url, pool_size=1)

        async def are_all_known() -> bool:
            async with database.reading() as connection:
                known = await records.count_running(connection, "door", silent_after_s=60)
            return known == STARTED_AT_ONCE

        await until_asked(are_all_known)
        async with database.reading() as connection:
            assert len(await accounts.list_people(connection)) == 1
            assert len(await projects.list_all_projects(connection)) == 1
        await database.close()


async def ask_ready(started: Sequence[ServerProcess]) -> set[int]:
    """Return the different answers of processes to the question whether they are ready."""
    async with httpx2.AsyncClient(trust_env=False, timeout=120) as client:
        answers = [await client.get(f"{each.base_url}/health/ready") for each in started]
    return {answer.status_code for answer in answers}


@contextmanager
def delayed(url: str) -> Iterator[str]:
    """Carry connections to a database, each way with a delay; gives the URL that leads through it.

    It has a loop of its own: servers start and stop while that of the test is held up.
    """
    near = urlsplit(url)
    socket_folders = parse_qs(near.query).get("host")
    ports: queue.Queue[int] = queue.Queue()
    loop = asyncio.new_event_loop()

    async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            with suppress(ConnectionError):
                while data := await reader.read(256 * 1024):
                    # All data of a connection has the same delay, so that its order is kept.
                    loop.call_later(DELAY_S, _write, writer, data)
            await asyncio.sleep(DELAY_S)
        finally:
            writer.close()

    async def connect() -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        port = near.port or 5432
        if socket_folders:
            return await asyncio.open_unix_connection(f"{socket_folders[0]}/.s.PGSQL.{port}")
        return await asyncio.open_connection(near.hostname, port)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        back_reader, back_writer = await connect()
        await asyncio.gather(carry(reader, back_writer), carry(back_reader, writer))

    async def run() -> None:
        async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
            ports.put(server.sockets[0].getsockname()[1])
            with suppress(asyncio.CancelledError):
                await server.serve_forever()
            await _cancel_others()
            await asyncio.sleep(0)  # connections that are closed end in the next turn

    task = loop.create_task(run())
    thread = threading.Thread(target=loop.run_until_complete, args=(task,), daemon=True)
    thread.start()
    user = near.netloc.rpartition("@")[0]
    yield f"postgresql://{user}@127.0.0.1:{ports.get(timeout=PATIENCE_S)}{near.path}"
    loop.call_soon_threadsafe(task.cancel)
    thread.join(PATIENCE_S)
    loop.close()


async def _cancel_others() -> None:
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)


def _write(writer: asyncio.StreamWriter, data: bytes) -> None:
    if not writer.is_closing():
        writer.write(data)


async def test_processes_far_from_postgres_keep_up_without_a_deadlock(
    database_url: str, tmp_path: Path, report: Report
) -> None:
    """Four processes take segments and errors of the same replays, and wait for each other."""
    ledger = Ledger(programme_size.seeded_dice("far"), padding_bytes=2_000)
    phones = [ledger.phone() for _ in range(8)]
    async with AsyncExitStack() as stack:
        url = stack.enter_context(delayed(database_url))
        doors = [await stack.enter_async_context(running(url, tmp_path, database_connections=8))]
        # In a thread: the server in this process holds locks while its loop stands still.
        others = [
            await asyncio.to_thread(
                stack.enter_context,
                process.launch_and_wait(url, tmp_path, database_connections=8),
            )
            for _ in range(LOADED - 1)
        ]
        for other in others:
            sender = await stack.enter_async_context(traffic.client(other.base_url))
            doors.append(replace(doors[0], base_url=other.base_url, sender=sender))
        places = itertools.cycle(doors)

        async def send(number: int) -> None:
            # Neighbours of one replay go to different processes.
            while len(ledger.sent) < ENVELOPES:
                envelope = next(phones[number])
                door = next(places)
                assert await traffic.deliver(door.sender, door.app, ledger, envelope) == 200

        await asyncio.gather(*(send(number) for number in range(len(phones))))
        await asyncio.gather(*(asyncio.to_thread(other.stop) for other in others))
        await invariant.wait_until_drained(doors[0])
        findings = await invariant.check_invariant(doors[0], ledger)
        assert (findings.lost, findings.dup) == (0, 0)
        connection = await asyncpg.connect(database_url)
        deadlocks = await connection.fetchval(
            "select deadlocks from pg_stat_database where datname = current_database()"
        )
        await connection.close()
        assert deadlocks == 0
        report.round(acks=findings.acks, lost=findings.lost, doubled=findings.dup)
