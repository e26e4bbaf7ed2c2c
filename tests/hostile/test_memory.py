"""Bombs, sent to a process of its own: what they unfold to does not fit into its memory."""

import asyncio
import re

import httpx

from app.db.engine import Database
from tests.support import envelopes, process, samples
from tests.support.server import keyed

pytestmark = samples.needs_samples

MOST_BYTES = 300 * 1024 * 1024
BOMBS = [one for one in samples.requests(samples.HOSTILE) if "bomb" in one.expect["marks"]]


async def test_bombs_stay_small(database_url, tmp_path):
    """All of them, one after the other, take less than 300 MB more; the process lives."""
    database = Database.open(database_url, pool_size=1)
    to = await keyed(database, "App")
    await database.close()
    with process.serving(database_url, tmp_path) as server:
        async with httpx.AsyncClient(
            base_url=server.base_url, trust_env=False, timeout=30
        ) as sender:

            async def send(body: bytes, encoding: str | None) -> int:
                answer = await sender.post(
                    f"/api/{to.id}/envelope/",
                    content=body,
                    headers=envelopes.headers(to.key, encoding=encoding),
                )
                return answer.status_code

            async def backlog() -> str:
                figures = (await sender.get("/metrics")).text
                found = re.search(r"^playhead_journal_backlog_entries (\S+)", figures, re.MULTILINE)
                assert found
                return found[1]

            assert await send(envelopes.replay_video_envelope(), None) == 200
            before = server.memory_bytes()
            for bomb in BOMBS:
                assert await send(bomb.body, bomb.header("content-encoding")) < 500
            async with asyncio.timeout(60):
                while await backlog() != "0.0":
                    assert server.is_alive()
            assert server.memory_bytes() - before < MOST_BYTES
            assert await send(envelopes.event_envelope(), None) == 200
