"""The queue of clips: who waits for whom, who asks for too much, and what a fault costs others."""

import pytest
from sqlalchemy import text

from app.core.days import OLD_DAY
from app.core.errors import ServiceUnavailable
from app.playback.clips import worker as clip_worker
from app.playback.clips.worker import ClipResult
from app.storage import keys
from tests.support.asked_clips import ask, look, sweep
from tests.support.builders import envelopes
from tests.support.builders.wire import REPLAY_ID
from tests.support.servers.server import Server

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def change(server: Server, statement: str, **values: object) -> None:
    """Change rows behind the back of the server."""
    async with server.database.transaction() as connection:
        await connection.execute(text(statement), values)


async def test_a_short_clip_that_fails_costs_the_long_one_nothing(clips_server, held, monkeypatch):
    """A short clip that fails, also of another project, does not stop the long one."""
    await clips_server.take(*(envelopes.replay_video_envelope(number) for number in range(4)))
    monkeypatch.setattr(clip_worker, "_LONG_MS", 15_000)
    monkeypatch.setattr(clip_worker, "_LOOK_S", 0.0)
    make_next = held.make_next
    looks: list[int] = []

    async def fail_if_short(*, most_ms: int | None = None) -> ClipResult | None:
        if most_ms is None:
            result: ClipResult | None = await make_next()
            return result
        looks.append(most_ms)
        raise ServiceUnavailable("no child starts")

    monkeypatch.setattr(held, "make_next", fail_if_short)
    await ask(clips_server, format="mp4")
    assert await held.make_next() is ClipResult.READY
    assert looks


async def test_projects_take_turns(clips_server, held):
    """The clip of one that asked last does not wait for all that another one asked for before."""
    await clips_server.take(envelopes.replay_video_envelope(0))
    for to_ms in ("1000", "2000", "3000"):
        await ask(clips_server, **{"from": "0", "to": to_ms})
    await change(
        clips_server,
        "insert into replay_clips (id, project_id, replay_id, day, result, format, from_ms, to_ms,"
        " has_taps, has_caption, has_body, made_at) select replay_id, :other, replay_id, day,"
        " result, format, from_ms, to_ms, false, false, false, now() + interval '5 seconds'"
        " from replay_clips limit 1",
        other=clips_server.app.id + 1_000_000,
    )
    for _ in range(2):
        await held.make_next()
    async with clips_server.database.reading() as connection:
        tries = text("select sum(tries) from replay_clips where project_id = :own")
        assert await connection.scalar(tries, {"own": clips_server.app.id}) == 1


async def test_a_failed_clip_that_is_asked_for_again_waits_like_a_new_one(
    clips_server, held, monkeypatch
):
    """A clip that is tried again needs room, and waits behind clips requested meanwhile."""
    await clips_server.take(envelopes.replay_video_envelope(0))
    wishes = [{"from": "0", "to": to_ms} for to_ms in ("2000", "1000")]
    failed = await ask(clips_server, **wishes[0])
    await change(clips_server, "update replay_clips set state = 'failed'")
    await ask(clips_server, **wishes[1])
    monkeypatch.setattr("app.playback.clips.orders.MOST_WAITING", 1)
    answer = await clips_server.web.post(clips_server.page(REPLAY_ID, "/clips"), data=wishes[0])
    assert (answer.status_code, "1 clips of this project wait" in answer.text) == (400, True)
    monkeypatch.setattr("app.playback.clips.orders.MOST_WAITING", 2)
    assert (await ask(clips_server, **wishes[0]))["state"] == "waiting"
    assert await held.make_next() is ClipResult.READY
    assert (await look(clips_server, failed))["state"] == "waiting"


async def test_clips_of_a_project_may_take_so_much(clips_server, held):
    """More are refused until some are deleted."""
    await clips_server.take(envelopes.replay_video_envelope(0))
    full = "insert into storage_days values (:project_id, '2020-01-01', 'clips', 0, 10737418240)"
    await change(clips_server, full, project_id=clips_server.app.id)
    answer = await clips_server.web.post(clips_server.page(REPLAY_ID, "/clips"), data={})
    assert answer.status_code == 400
    assert "of the 10 GiB that they may take; delete some that nobody needs.<" in answer.text


async def test_a_clip_that_was_made_before_days_goes_with_its_replay(clips_server, held):
    """Its file does not lie under the day to which the replay was moved since."""
    await clips_server.take(envelopes.replay_video_envelope(0))
    await ask(clips_server, format="webp")
    assert await held.make_next() is ClipResult.READY
    old_key = keys.make_clip_key(OLD_DAY, clips_server.app.id, REPLAY_ID)
    store = clips_server.service.shared.objects
    await store.put(old_key, b"a clip")
    await change(clips_server, "update replay_clips set object_key = :key", key=old_key)
    await clips_server.web.post(clips_server.page(REPLAY_ID, "/delete"))
    await sweep(clips_server)
    assert not await store.list(old_key)
