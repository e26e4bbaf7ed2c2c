"""H2: bombs are sent to a process whose address space is limited to one gibibyte."""

import asyncio
from collections import deque
from collections.abc import Iterator

import httpx2

from app.db.engine import Database
from tests.support.builders import envelopes
from tests.support.hostile import bombs, wire_bombs
from tests.support.hostile.bombs import Bomb
from tests.support.recorded import samples
from tests.support.report import Report
from tests.support.servers import process
from tests.support.servers.process import LaunchOptions, ServerProcess
from tests.support.servers.server import Keyed, keyed
from tests.support.waiting import PATIENCE_S, until

MIB = 1024 * 1024
MOST_BYTES = 512 * MIB
KEPT_BYTES = 48 * MIB
"""Memory that the allocator may keep once all bombs are refused or digested."""
STAYING_BYTES = 10 * MIB
SETTLED_READINGS = 15
"""Three seconds without a change: the workers' first turns come a second or two after the start."""
"""Memory that a wire bomb may leave allocated once its connections are closed."""
PEAK_BYTES = 48 * MIB
"""Memory that a wire bomb may take while it arrives."""


def recorded_bombs() -> Iterator[Bomb]:
    """Yield the bombs among the recorded hostile requests."""
    for request in samples.requests(samples.HOSTILE):
        if "bomb" in request.expect["marks"]:
            encoding = request.header("content-encoding")
            yield Bomb(request.name, "envelope", encoding, request.body)


async def send_bomb(sender: httpx2.AsyncClient, to: Keyed, bomb: Bomb) -> int | None:
    """Send a bomb and return the status, or None when the server hangs up."""
    headers = envelopes.headers(to.key, encoding=bomb.encoding)
    if (
        bomb.endpoint.startswith("otlp")
        and "protobuf" not in bomb.name
        and "fields" not in bomb.name
    ):
        headers["Content-Type"] = "application/json"
    try:
        answer = await sender.post(
            f"/api/{to.id}/{bomb.endpoint}/", content=bomb.body, headers=headers
        )
    except httpx2.TransportError:
        return None
    return answer.status_code


async def takes_a_good_envelope(
    server: ServerProcess, sender: httpx2.AsyncClient, to: Keyed
) -> bool:
    """Tell whether the server is alive and takes a good envelope."""
    good = Bomb("good", "envelope", None, envelopes.event_envelope())
    return server.is_alive() and await send_bomb(sender, to, good) == 200


async def test_bombs_stay_small(database_url, tmp_path, report: Report):
    """Bombs are refused or digested within 512 MiB, and good requests pass in between."""
    database = Database.open(database_url, pool_size=1)
    to = await keyed(database, "App")
    await database.close()
    options = LaunchOptions(address_space_bytes=1024 * MIB)
    with process.launch_and_wait(database_url, tmp_path, options) as server:
        async with httpx2.AsyncClient(
            base_url=server.base_url, trust_env=False, timeout=PATIENCE_S
        ) as sender:
            assert await takes_a_good_envelope(server, sender, to)
            before_bytes = server.resident_bytes()
            for bomb in (*bombs.make_bombs(), *recorded_bombs()):
                status = await send_bomb(sender, to, bomb)
                assert status is None or status < 500, bomb.name
                assert await takes_a_good_envelope(server, sender, to), bomb.name
                report.round(
                    bombs=1,
                    bomb=bomb.name,
                    refused=int(status is not None and status >= 400),
                    hung_up=int(status is None),
                    memory_mib=server.memory_bytes() // MIB,
                )
        await process.wait_until_digested(server)
        assert server.memory_bytes() < MOST_BYTES
        # The memory of the last batches is freed a moment after they are digested.
        await until(lambda: server.resident_bytes() - before_bytes < KEPT_BYTES)
        report.round(memory_mib=server.memory_bytes() // MIB)
        report.facts["kept_mib"] = (server.resident_bytes() - before_bytes) // MIB


async def measure_settled_bytes(server: ServerProcess) -> int:
    """Return the resident memory once background work has had its first turn, which loads code."""
    readings: deque[int] = deque(maxlen=SETTLED_READINGS)
    async with asyncio.timeout(PATIENCE_S):
        while len(readings) < SETTLED_READINGS or max(readings) - min(readings) > MIB // 4:
            readings.append(server.resident_bytes())
            await asyncio.sleep(0.2)
    return readings[-1]


async def test_wire_bombs_leave_nothing_behind(database_url, tmp_path, report: Report):
    """Endless heads, trailers, chunks and pipelines take little memory and return it."""
    database = Database.open(database_url, pool_size=1)
    to = await keyed(database, "App")
    await database.close()
    with process.launch_and_wait(database_url, tmp_path) as server:
        async with httpx2.AsyncClient(
            base_url=server.base_url, trust_env=False, timeout=PATIENCE_S
        ) as sender:
            assert await takes_a_good_envelope(server, sender, to)
            assert (await sender.get("/sign-in")).status_code == 200
            before_bytes = await measure_settled_bytes(server)
            for bomb in wire_bombs.make_wire_bombs(to):
                server.forget_peak()
                sent_bytes = await asyncio.to_thread(wire_bombs.send_bomb, bomb, server.base_url)
                assert await takes_a_good_envelope(server, sender, to), bomb.name
                peak_bytes = server.memory_bytes() - before_bytes
                # The body of a refused request is freed a moment after the answer.
                await until(lambda: server.resident_bytes() - before_bytes < STAYING_BYTES)
                staying_bytes = server.resident_bytes() - before_bytes
                report.round(
                    bombs=1,
                    bomb=bomb.name,
                    sent_mib=sent_bytes // MIB,
                    memory_mib=peak_bytes // MIB,
                    staying_kib=staying_bytes // 1024,
                )
                assert peak_bytes < PEAK_BYTES, bomb.name
