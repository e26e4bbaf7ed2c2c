"""A process that is told to stop while Postgres hangs ends soon, and loses nothing."""

import asyncio
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from app.wiring import service as wiring
from tests.support.builders import envelopes
from tests.support.builders.wire import REPLAY_ID
from tests.support.faults import silent_postgres
from tests.support.servers.server import running
from tests.support.waiting import until

_STOP_S = 20.0
"""A stop that waits for every statement takes minutes. Requests have 10 s of their own."""


@pytest.fixture
def sockets() -> Iterator[Path]:
    """Make a folder with a short path, as addresses of sockets need one."""
    folder = Path(tempfile.mkdtemp(prefix="ph-"))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


async def test_a_stop_ends_although_postgres_hangs(
    database_url: str, tmp_path: Path, sockets: Path, monkeypatch: pytest.MonkeyPatch
):
    """Digest, workers and a page are in the middle of statements; what was accepted is kept."""
    monkeypatch.setattr(wiring, "_POSTGRES_S", 0.2)
    async with silent_postgres.in_front_of(database_url, sockets) as (proxy, url):
        async with AsyncExitStack() as stack:
            server = await stack.enter_async_context(running(url, tmp_path))
            await server.take(envelopes.replay_video_envelope(0))
            proxy.fall_silent()
            answer = await server.post(envelopes.replay_video_envelope(1))
            assert answer.status_code == 200
            page = asyncio.create_task(server.web.get(server.page(REPLAY_ID)))
            for worker in (server.service.sweeper, server.service.heartbeat):
                worker.hurry()
            await until(lambda: server.database.count_connections()[0] >= 4)
            async with asyncio.timeout(_STOP_S):
                await stack.aclose()
            await asyncio.gather(page, return_exceptions=True)
        proxy.speak()
        async with running(url, tmp_path) as server:
            await until(lambda: server.service.ingest.digester.has_adopted)
            assert (await server.dump(REPLAY_ID))["replay"]["segments"] == 2
            assert await server.outcomes() == {("replay_video", "kept", ""): 2}
