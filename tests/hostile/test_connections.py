"""H4: endless connections reach a process of its own that may open few files."""

import asyncio
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import httpx2
import pytest

from app.db.engine import Database
from tests.support.builders import envelopes
from tests.support.report import Report
from tests.support.servers import process
from tests.support.servers.process import LaunchOptions, ServerProcess
from tests.support.servers.server import Keyed, keyed
from tests.support.waiting import PATIENCE_S

FILES = 900
CONNECTIONS = FILES // 3
"""Connections that the server accepts with so few files."""
PER_ADDRESS = 100
BEGUN = b"POST /api/1/envelope/ HTTP/1.1\r\nHost: a\r\nX-"


@contextmanager
def half_open_connections(
    server: ServerProcess, *, addresses: int, each: int, begun: bytes
) -> Iterator[None]:
    """Hold connections from several addresses of this machine that never send a whole head."""
    host, _, port = server.base_url.removeprefix("http://").rpartition(":")
    with ExitStack() as stack:
        for _ in range(each):
            for number in range(addresses):
                source = (f"127.0.1.{number + 1}", 0)
                address = (host, int(port))
                connection = stack.enter_context(
                    socket.create_connection(address, timeout=PATIENCE_S, source_address=source)
                )
                connection.sendall(begun)
        yield


async def read_metrics(server: ServerProcess, source: str) -> dict[str, float]:
    """Read the metrics of connections over a connection of their own."""
    transport = httpx2.AsyncHTTPTransport(local_address=source)
    async with httpx2.AsyncClient(transport=transport, timeout=PATIENCE_S) as client:
        lines = (await client.get(f"{server.base_url}/metrics")).text.splitlines()
    return {
        name: float(value)
        for name, _, value in (line.rpartition(" ") for line in lines if line[0] != "#")
        if name.startswith(("playhead_hang_ups_total", "playhead_connections"))
    }


async def send_good_requests(server: ServerProcess, to: Keyed, source: str) -> list[int]:
    """Send an envelope and request a page, each over a connection of its own."""
    transport = httpx2.AsyncHTTPTransport(local_address=source)
    async with httpx2.AsyncClient(transport=transport, timeout=PATIENCE_S) as client:
        envelope = await client.post(
            f"{server.base_url}/api/{to.id}/envelope/",
            content=envelopes.event_envelope(),
            headers={**envelopes.headers(to.key, encoding=None), "Connection": "close"},
        )
        page = await client.get(f"{server.base_url}/sign-in")
    return [envelope.status_code, page.status_code]


@pytest.mark.parametrize("begun", [b"", BEGUN])
async def test_half_open_connections_do_not_keep_others_out(
    database_url, tmp_path, report: Report, begun: bytes
):
    """Half-open connections crowd out their own address; good requests are still answered."""
    database = Database.open(database_url, pool_size=1)
    to = await keyed(database, "App")
    await database.close()
    options = LaunchOptions(open_files=FILES)
    limits = {"max_connections_per_address": PER_ADDRESS}
    with process.launch_and_wait(database_url, tmp_path, options, **limits) as server:
        assert await send_good_requests(server, to, "127.0.1.1") == [200, 200]
        for addresses, each, reason in ((1, 900, "crowded_address"), (9, 120, "crowded")):
            with half_open_connections(server, addresses=addresses, each=each, begun=begun):
                # Once from an address that holds connections, and once from another.
                for source in ("127.0.1.1", "127.0.0.1") * 5:
                    assert await send_good_requests(server, to, source) == [200, 200]
                metrics = await read_metrics(server, "127.0.0.1")
                limit = PER_ADDRESS if addresses == 1 else CONNECTIONS
                assert limit - 10 < metrics["playhead_connections"] <= limit + 10
                assert metrics[f'playhead_hang_ups_total{{reason="{reason}"}}'] > 0
                assert server.open_files() < FILES - 400
            report.round(connections=addresses * each, hang_ups=sum(metrics.values()))
        assert await send_good_requests(server, to, "127.0.1.1") == [200, 200]
        assert await asyncio.to_thread(server.is_alive)
