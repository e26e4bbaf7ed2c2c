"""What becomes of clips while they are rendered: deletions, outages, dying processes, budgets."""

import asyncio
from typing import Any

import pytest
from sqlalchemy import text

from app.core.errors import ServiceUnavailable
from app.core.ids import ReplayId
from app.core.replay.replay_range import ReplayRange
from app.playback.clips import worker as clip_worker
from app.playback.clips.recorded import read_recorded_range
from app.playback.clips.render_task import make_clip
from app.playback.clips.worker import ClipResult
from app.replays import queries as replays
from app.replays.clips import writes
from app.replays.model import ReplayKey
from tests.support.asked_clips import ask, list_clip_objects, look, read_storage, sweep
from tests.support.builders import envelopes, recordings
from tests.support.builders.clips import clip
from tests.support.builders.wire import REPLAY_ID, STARTED_MS

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_a_deleted_replay_takes_its_clips_along(clips_server, held):
    """Ready and waiting ones: nothing answers, nothing is stored, and the receipt counts them."""
    await clips_server.take(envelopes.replay_video_envelope(0))
    ready = await ask(clips_server, format="webp")
    assert await held.make_next() is ClipResult.READY
    ready = await look(clips_server, ready)
    waiting = await ask(clips_server, format="gif")
    assert len(list_clip_objects(clips_server)) == 1
    await clips_server.web.post(clips_server.page(REPLAY_ID, "/delete"))
    for address in (ready["href"], ready["file"], waiting["href"]):
        assert (await clips_server.web.get(address)).status_code == 404
    assert (await clips_server.web.get(clips_server.page(REPLAY_ID, "/clips"))).status_code == 410
    assert (await clips_server.web.post(clips_server.page(REPLAY_ID, "/clips"))).status_code == 404
    assert await read_storage(clips_server) == []
    await sweep(clips_server)
    assert list_clip_objects(clips_server) == []
    async with clips_server.database.reading() as connection:
        [counts] = await connection.scalars(
            text("select counts from erasures where project_id = :project_id"),
            {"project_id": clips_server.app.id},
        )
    assert counts["clips"] == 2


async def test_a_clip_that_is_deleted_while_it_is_rendered_leaves_nothing(
    clips_server, held, monkeypatch
):
    """Whoever renders it notices at the end at the latest; its file goes with the next sweep."""
    await clips_server.take(envelopes.replay_video_envelope(0))
    answer = await ask(clips_server, format="webp")
    put_file = clips_server.service.shared.objects.put_file

    async def put_then_delete(key: str, descriptor: int) -> None:
        await put_file(key, descriptor)
        assert (await clips_server.web.post(f"{answer['href']}/delete")).status_code == 303

    monkeypatch.setattr(
        type(clips_server.service.shared.objects), "put_file", staticmethod(put_then_delete)
    )
    assert await held.make_next() is ClipResult.DELETED
    await sweep(clips_server)
    assert list_clip_objects(clips_server) == []
    assert await read_storage(clips_server) == []


async def test_a_clip_whose_file_expires_before_it_is_finished_waits_again(
    clips_server, held, monkeypatch
):
    """A process that was held up does not leave it ready with a file that is deleted."""
    await clips_server.take(envelopes.replay_video_envelope(0))
    answer = await ask(clips_server, format="webp")
    put_file = clips_server.service.shared.objects.put_file

    async def put_late(key: str, descriptor: int) -> None:
        await put_file(key, descriptor)
        async with clips_server.database.transaction() as connection:
            await connection.execute(
                text("delete from expiring_objects where object_key = :key"), {"key": key}
            )

    with monkeypatch.context() as patched:
        patched.setattr(
            type(clips_server.service.shared.objects), "put_file", staticmethod(put_late)
        )
        assert await held.make_next() is ClipResult.DELETED
    assert (await look(clips_server, answer))["state"] == "waiting"
    assert await held.make_next() is ClipResult.READY
    await sweep(clips_server)
    assert len(list_clip_objects(clips_server)) == 1
    file = await clips_server.web.get((await look(clips_server, answer))["file"])
    assert file.status_code == 200


async def test_a_replay_that_is_deleted_while_its_clip_is_rendered_is_verified_again(
    clips_server, held, monkeypatch
):
    """The file that was put after the sweep is found by another one."""
    await clips_server.take(envelopes.replay_video_envelope(0))
    await ask(clips_server, format="webp")
    put_file = clips_server.service.shared.objects.put_file

    put_keys: list[str] = []

    async def delete_then_put(key: str, descriptor: int) -> None:
        await clips_server.web.post(clips_server.page(REPLAY_ID, "/delete"))
        await sweep(clips_server)
        await put_file(key, descriptor)
        put_keys.append(key)

    monkeypatch.setattr(
        type(clips_server.service.shared.objects), "put_file", staticmethod(delete_then_put)
    )
    assert await held.make_next() is ClipResult.DELETED
    assert len(put_keys) == 1
    await sweep(clips_server)
    assert list_clip_objects(clips_server) == []


async def test_a_process_that_dies_leaves_its_clip_to_another(clips_server, held, monkeypatch):
    """The lease runs out; until then nobody else takes the clip."""
    await clips_server.take(envelopes.replay_video_envelope(0))
    answer = await ask(clips_server, format="webp")
    async with clips_server.database.transaction() as connection:
        assert await writes.claim_clip(connection) is not None
    assert (await look(clips_server, answer))["state"] == "rendering"
    assert await held.make_next() is None
    async with clips_server.database.transaction() as connection:
        await connection.execute(
            text("update replay_clips set leased_until = now() - interval '1 second'")
        )
    assert (await look(clips_server, answer))["state"] == "waiting"
    assert await held.make_next() is ClipResult.READY
    assert (await look(clips_server, answer))["state"] == "ready"


async def test_a_clip_that_is_finished_while_its_lease_is_renewed_is_ready(
    clips_server, held, monkeypatch
):
    """The renewal that comes too late neither drops the clip nor leases it again."""
    await clips_server.take(envelopes.replay_video_envelope(0))
    told = await ask(clips_server, format="webp")
    renew_lease = writes.renew_lease
    is_finished, is_renewed = asyncio.Event(), asyncio.Event()

    async def make_before_renewal(resources, task, note_progress):
        rendered = await make_clip(resources, task, note_progress)
        is_finished.set()
        await is_renewed.wait()
        return rendered

    async def renew_after_it_is_finished(connection, task, *, percent):
        await is_finished.wait()
        is_ours = await renew_lease(connection, task, percent=percent)
        is_renewed.set()
        return is_ours

    monkeypatch.setattr(clip_worker, "_RENEWED_S", 0.01)
    monkeypatch.setattr(clip_worker, "make_clip", make_before_renewal)
    monkeypatch.setattr(writes, "renew_lease", renew_after_it_is_finished)
    assert await held.make_next() is ClipResult.READY
    assert (await look(clips_server, told))["state"] == "ready"


async def test_a_clip_that_cannot_be_rendered_says_why_and_can_be_asked_for_again(
    clips_server, held, monkeypatch
):
    """A broken video fails at once; an outage is borne for four tries."""
    await clips_server.take(envelopes.replay_video_envelope(0, video=clip()[:-900]))
    resources = held._resources
    monkeypatch.setattr(
        held,
        "_resources",
        type(resources)(
            resources.database, resources.store, resources.index_cache, resources.folder, 0
        ),
    )
    await clips_server.take(envelopes.replay_video_envelope(1))
    answer = await ask(clips_server, format="mp4")
    assert await held.make_next() is ClipResult.FAILED
    state = await look(clips_server, answer)
    assert (state["state"], state["file"]) == ("failed", None)
    assert "processor time" in state["fault"]
    assert (
        "processor time"
        in (await clips_server.web.get(clips_server.page(REPLAY_ID, "/clips"))).text
    )
    assert (await ask(clips_server, format="mp4"))["state"] == "waiting"


async def test_a_clip_that_ends_the_process_is_given_up(clips_server, held):
    """A process that was killed postponed nothing: the number of tries alone tells."""
    await clips_server.take(envelopes.replay_video_envelope(0))
    answer = await ask(clips_server, format="webp")
    async with clips_server.database.transaction() as connection:
        await connection.execute(text("update replay_clips set tries = 4"))
    assert await held.make_next() is ClipResult.FAILED
    assert "Given up after 4 tries" in (await look(clips_server, answer))["fault"]


async def test_an_outage_of_the_store_is_borne(clips_server, held, monkeypatch):
    """The clip waits and says why; after four tries it has failed."""
    await clips_server.take(envelopes.replay_video_envelope(0))

    async def fail(*_arguments: object) -> None:
        raise ServiceUnavailable("the store does not answer")

    monkeypatch.setattr(type(clips_server.service.shared.objects), "put_file", fail)
    answer = await ask(clips_server, format="webp")
    results = []
    for _ in range(4):
        results.append(await held.make_next())
        async with clips_server.database.transaction() as connection:
            await connection.execute(text("update replay_clips set due_at = now()"))
    assert results == [ClipResult.POSTPONED] * 3 + [ClipResult.FAILED]
    assert "Given up after 4 tries: the store" in (await look(clips_server, answer))["fault"]


async def test_a_short_clip_does_not_wait_for_a_long_one(clips_server, held, monkeypatch):
    """A short clip is rendered between two groups of a long one, and is ready before it."""
    await clips_server.take(*(envelopes.replay_video_envelope(number) for number in range(4)))
    monkeypatch.setattr(clip_worker, "_LONG_MS", 15_000)
    monkeypatch.setattr(clip_worker, "_SHORT_MS", 6_000)
    monkeypatch.setattr(clip_worker, "_LOOK_S", 0.0)
    long = await ask(clips_server, format="mp4")
    make_next = held.make_next
    short_ones: list[dict[str, Any]] = []

    async def ask_and_make_next(*, most_ms: int) -> ClipResult | None:
        if not short_ones:
            wish = {"format": "webp", "from": "1000", "to": "3000"}
            short_ones.append(await ask(clips_server, **wish))
        result: ClipResult | None = await make_next(most_ms=most_ms)
        return result

    monkeypatch.setattr(held, "make_next", ask_and_make_next)
    assert await make_next() is ClipResult.READY
    states = [(await look(clips_server, each))["state"] for each in (long, *short_ones)]
    assert states == ["ready", "ready"]
    async with clips_server.database.reading() as connection:
        order = await connection.scalars(text("select format from replay_clips order by ended_at"))
        assert list(order) == ["webp", "mp4"]


async def test_a_project_has_a_most_of_clips_that_wait(clips_server, held, monkeypatch):
    """And a replay has a most of clips in all."""
    await clips_server.take(envelopes.replay_video_envelope(0))
    monkeypatch.setattr("app.playback.clips.orders.MOST_WAITING", 2)
    for to_ms in ("1000", "2000"):
        await ask(clips_server, **{"from": "0", "to": to_ms})
    address = clips_server.page(REPLAY_ID, "/clips")
    answer = await clips_server.web.post(address, data={"from": "0", "to": "3000"})
    assert (answer.status_code, "2 clips of this project wait" in answer.text) == (400, True)
    # What is there already can still be asked for.
    await ask(clips_server, **{"from": "0", "to": "2000"})
    monkeypatch.setattr("app.playback.clips.orders.MOST_CLIPS", 2)
    answer = await clips_server.web.post(address, data={"from": "0", "to": "3000"})
    assert (
        answer.status_code,
        "A replay has 2 clips at most; delete one first.<" in answer.text,
    ) == (400, True)


async def test_the_words_of_a_clip_hold_nothing_that_scrubbing_removed(clips_server):
    """Captions are made of what is stored; of an address they have the path alone."""
    events = [
        recordings.meta(STARTED_MS, width=128, height=256),
        recordings.breadcrumb(
            "ui.tap",
            STARTED_MS + 500,
            message="Pay with 4111 1111 1111 1111",
            data={"path": [{"label": "password: hunter2-canary"}]},
        ),
        recordings.network_span(
            STARTED_MS + 1_000,
            STARTED_MS + 3_000,
            url="https://api.example/pay/ok?token=canary-token",
            statusCode=500,
            response={"body": "canary-body"},
        ),
    ]
    await clips_server.take(envelopes.replay_video_envelope(0, events=events))
    key = ReplayKey(clips_server.app.id, ReplayId(REPLAY_ID))
    async with clips_server.database.reading() as connection:
        replay = await replays.find_replay(connection, key)
    assert replay is not None
    read = await read_recorded_range(
        clips_server.database,
        clips_server.service.shared.objects,
        replay,
        ReplayRange(0, 5_000),
        zero_ms=STARTED_MS,
        duration_ms=5_000,
    )
    told = [event.words for event in read.captions.events]
    assert len(told) == 2
    assert told[1] == "POST /pay/ok 500"
    assert not any(word in " ".join(told) for word in ("canary", "4111", "hunter2", "token"))


async def test_a_clip_whose_replay_a_release_before_has_deleted_goes_with_the_next_cleaning(
    clips_server, held
):
    """The release before has no clips, so rows of clips outlive a replay that it deletes."""
    await clips_server.take(envelopes.replay_video_envelope(0))
    answer = await ask(clips_server, format="webp")
    assert await held.make_next() is ClipResult.READY
    async with clips_server.database.transaction() as connection:
        assert await writes.delete_stray_clips(connection) == 0
        await connection.execute(
            text("delete from replays where project_id = :project_id"),
            {"project_id": clips_server.app.id},
        )
        assert await writes.delete_stray_clips(connection) == 1
    assert (await clips_server.web.get(answer["href"])).status_code == 404
    assert await read_storage(clips_server) == []
    await sweep(clips_server)
    assert list_clip_objects(clips_server) == []
