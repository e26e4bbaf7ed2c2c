"""Fixtures of tests of clips."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from sqlalchemy import text

from app.playback.clips.worker import ClipMaker
from tests.support.servers.server import Server


@pytest_asyncio.fixture(loop_scope="session")
async def clips_server(tenant: Server) -> AsyncIterator[Server]:
    """The shared server, in which no clip waits that another test has left."""
    yield tenant
    async with tenant.database.transaction() as connection:
        await connection.execute(text("delete from replay_clips"))


@pytest.fixture
def held(clips_server: Server, monkeypatch: pytest.MonkeyPatch) -> ClipMaker:
    """The maker of clips, which renders nothing unless the test calls it."""

    async def do_nothing() -> None:
        return

    monkeypatch.setattr(clips_server.service.work.clips, "work", do_nothing)
    return clips_server.service.work.clips
