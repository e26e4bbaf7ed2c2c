"""F1: the renderer of clips is killed at every await; another process finishes each clip, once."""

import asyncio
from pathlib import Path
from typing import Any, Final

import pytest
from sqlalchemy import text

from app.playback.clips.worker import ClipMaker, ClipResult
from tests.support import programme_size
from tests.support.asked_clips import ask, list_clip_objects, look, read_storage, sweep
from tests.support.builders import envelopes
from tests.support.report import Report
from tests.support.servers import process
from tests.support.servers.process import LaunchOptions
from tests.support.servers.server import Server, running

KILLS: Final = programme_size.rounds(ci=3, nightly=200)
MOST_LIVES: Final = 3
"""Kills of one clip in a row; after a fourth try that never ended, a clip is given up."""
SEGMENTS: Final = 3
STEPS: Final = 60
"""About as many steps as a server takes for a clip; the last ones come when it is ready."""
REQUESTS: Final = (
    {"format": "mp4", "taps": "yes", "caption": "yes", "body": "yes"},
    {"format": "gif", "from": "1000", "to": "4000"},
    {"format": "webp"},
)


async def end_leases(server: Server) -> None:
    """Let the leases of dead processes end, as they do after 30 seconds."""
    async with server.database.transaction() as connection:
        await connection.execute(text("update replay_clips set leased_until = null"))


async def let_objects_expire(server: Server) -> None:
    """Remove the files of dead processes, which happens a quarter of an hour after their death."""
    async with server.database.transaction() as connection:
        await connection.execute(text("update expiring_objects set expires_at = now()"))
    await sweep(server)


async def take_and_delete(server: Server, told: dict[str, Any]) -> bytes:
    """Return the file of a clip, which must be ready and alone in the store; delete the clip."""
    clip = await look(server, told)
    assert clip["state"] == "ready", clip
    await let_objects_expire(server)
    file = await server.web.get(clip["file"])
    assert len(list_clip_objects(server)) == 1
    assert await read_storage(server) == [(1, len(file.content))]
    await server.web.post(f"{told['href']}/delete")
    await sweep(server)
    assert list_clip_objects(server) == []
    return file.content


async def test_a_kill_at_any_step_of_rendering_leaves_one_whole_clip(
    database_url: str, tmp_path: Path, report: Report, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The clip equals one of an undisturbed process; no other file and no byte too much stay."""

    async def do_nothing(_: ClipMaker) -> None:
        return

    # The processes that are killed render: this one only when the test says so.
    monkeypatch.setattr(ClipMaker, "work", do_nothing)
    dice = programme_size.seeded_dice("clip kill steps")
    places: set[str] = set()
    async with running(database_url, tmp_path) as server:
        maker = server.service.work.clips
        await server.take(*map(envelopes.replay_video_envelope, range(SEGMENTS)))

        async def ask_and_kill(request: dict[str, str], lives: int) -> bytes:
            """Ask for a clip, kill processes that render it, and return the file in the end."""
            told = await ask(server, **request)
            for _ in range(lives):
                step = 1 + dice.randrange(STEPS)
                options = LaunchOptions(kill_at=step, kill_within="playback/clips/")
                with process.launch_server(database_url, tmp_path, options) as victim:
                    await asyncio.to_thread(victim.wait)
                    assert victim.place is not None, "the server ended by itself, before the step"
                    places.add(victim.place)
                await end_leases(server)
            if (await look(server, told))["state"] == "waiting":
                assert await maker.make_next() is ClipResult.READY
            return await take_and_delete(server, told)

        whole = [await ask_and_kill(request, lives=0) for request in REQUESTS]
        kills = 0
        while kills < KILLS:
            number = dice.randrange(len(REQUESTS))
            lives = min(KILLS - kills, 1 + dice.randrange(MOST_LIVES))
            assert await ask_and_kill(REQUESTS[number], lives) == whole[number]
            kills += lives
            report.round(kills=lives, clips=1)
        leftovers = [path.name for path in (tmp_path / "clips").iterdir()]
        assert leftovers == ["rendering.lock"]
    report.facts["places"] = len(places)
