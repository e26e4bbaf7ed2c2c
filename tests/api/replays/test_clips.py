"""Clips of replays: asked for by members, rendered in the background, gone with their replay."""

import asyncio
import io
from collections.abc import AsyncIterator
from typing import Any

import av
import pytest
import pytest_asyncio
from PIL import Image
from sqlalchemy import text

from app.core.errors import ServiceUnavailable
from app.core.ids import ReplayId
from app.core.replay_range import ReplayRange
from app.erasure.sweep import sweep_once
from app.playback.clips import maker as clip_maker
from app.playback.clips.maker import ClipMaker, ClipResult
from app.playback.clips.recorded import read_recorded_range
from app.replays import queries as replays
from app.replays.clips import writes
from app.replays.model import ReplayKey
from tests.support.builders import envelopes, recordings
from tests.support.builders.clips import clip, colour_of
from tests.support.builders.wire import REPLAY_ID, STARTED_MS
from tests.support.servers.server import Server
from tests.support.waiting import until_asked

pytestmark = pytest.mark.asyncio(loop_scope="session")

FINGER = (216, 68, 151)


async def ask(server: Server, **fields: str) -> dict[str, Any]:
    """Ask for a clip as the script of the page does, and return what it is told."""
    answer = await server.web.post(
        server.page(REPLAY_ID, "/clips"), data=fields, headers={"accept": "application/json"}
    )
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


async def look(server: Server, told: dict[str, Any]) -> dict[str, Any]:
    """Look how far a clip is."""
    answer = await server.web.get(told["href"])
    assert answer.status_code == 200
    state: dict[str, Any] = answer.json()
    return state


async def wait_for(server: Server, told: dict[str, Any]) -> dict[str, Any]:
    """Wait until a clip is ready or has failed."""

    async def has_ended() -> bool:
        return (await look(server, told))["state"] in {"ready", "failed"}

    await until_asked(has_ended)
    return await look(server, told)


async def read_storage(server: Server) -> list[tuple[int, int]]:
    """Return how many clips are counted as storage of the project, and their bytes."""
    async with server.database.reading() as connection:
        rows = await connection.execute(
            text(
                "select items, size_bytes from storage_days"
                " where kind = 'clips' and items <> 0 and project_id = :project_id"
            ),
            {"project_id": server.app.id},
        )
        return [(row.items, row.size_bytes) for row in rows]


def list_clip_objects(server: Server) -> list[str]:
    """Return the names of the files of clips in object storage."""
    return [
        path.name
        for path in server.objects()
        if path.name.startswith("clip-") and path.parts[-3] == str(server.app.id)
    ]


@pytest_asyncio.fixture(loop_scope="session")
async def server(tenant: Server) -> AsyncIterator[Server]:
    """The shared server, in which no clip waits that another test has left."""
    yield tenant
    async with tenant.database.transaction() as connection:
        await connection.execute(text("delete from replay_clips"))


@pytest.fixture
def held(server: Server, monkeypatch: pytest.MonkeyPatch) -> ClipMaker:
    """The maker of clips, which renders nothing unless the test calls it."""

    async def do_nothing() -> None:
        return

    monkeypatch.setattr(server.service.work.clips, "work", do_nothing)
    return server.service.work.clips


async def sweep(server: Server) -> None:
    """Remove what is to be removed."""
    while await sweep_once(server.database, server.service.shared.objects):
        pass


async def test_a_clip_is_rendered_and_taken(server):
    """It shows the range with the tap where the finger was; the same request leads to it again."""
    taps = [
        recordings.meta(STARTED_MS, width=128, height=256),
        recordings.touch("start", STARTED_MS + 1_500, 64, 128),
        recordings.touch("end", STARTED_MS + 1_560, 64, 128),
    ]
    await server.take(
        envelopes.replay_video_envelope(0, events=taps), envelopes.replay_video_envelope(1)
    )
    wish = {"format": "mp4", "from": "1000", "to": "4000", "taps": "yes"}
    told = await ask(server, **wish)
    assert told["state"] in {"waiting", "rendering"}
    ready = await wait_for(server, told)
    assert (ready["state"], ready["fault"], ready["size_px"]) == ("ready", None, [128, 256])
    answer = await server.web.get(ready["file"])
    assert answer.headers["content-type"] == "video/mp4"
    name = f"replay-{REPLAY_ID[:8]}-0.01-0.04.mp4"
    assert answer.headers["content-disposition"] == f'attachment; filename="{name}"'
    assert ready["file_name"] == name
    with av.open(io.BytesIO(answer.content), "r") as opened:
        frames = list(opened.decode(video=0))
    shown = [(round((frame.time or 0) * 1000), to_image(frame)) for frame in frames]
    assert [at_ms for at_ms, _ in shown] == [0, 500, 600, 700, 800, 900, 1_000, 2_000]
    assert is_near(shown[0][1], (20, 20), colour_of(1))
    assert is_near(shown[1][1], (64 + 22, 128), FINGER)
    assert is_near(shown[7][1], (20, 20), colour_of(3))
    part = await server.web.get(ready["file"], headers={"range": "bytes=4-7"})
    assert (part.status_code, part.content) == (206, b"ftyp")
    assert (await ask(server, **wish))["href"] == told["href"]
    assert await read_storage(server) == [(1, len(answer.content))]
    page = (await server.web.get(server.page(REPLAY_ID, "/clips"))).text
    assert "MP4 clip, 0:01 to 0:04, with taps" in page
    assert "http-equiv" not in page


def to_image(frame: av.VideoFrame) -> Image.Image:
    """Return a decoded frame as a picture."""
    picture: Image.Image = frame.to_image()  # type: ignore[no-untyped-call]  # PyAV
    return picture


def is_near(picture: Image.Image, place: tuple[int, int], expected: tuple[int, ...]) -> bool:
    """Tell whether a pixel has a colour, as far as an encoder keeps it."""
    pixel: Any = picture.getpixel(place)
    return all(abs(a - b) < 40 for a, b in zip(pixel, expected, strict=True))


async def test_a_form_works_without_a_script(server, held, monkeypatch):
    """It leads to the list, which loads itself anew until the clip is ready."""
    await server.take(envelopes.replay_video_envelope(0))
    answer = await server.web.post(server.page(REPLAY_ID, "/clips"), data={"format": "gif"})
    assert answer.status_code == 303
    page = (await server.web.get(answer.headers["location"])).text
    assert "GIF clip, whole replay" in page
    assert 'http-equiv="refresh"' in page
    assert ">Cancel<" in page


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"format": "avi"}, "mp4, gif and webp"),
        ({"from": "5", "to": "2"}, "end after it begins"),
        ({"from": "60000", "to": "70000"}, "the replay ends at 0:05"),
        ({"from": "x", "to": "2"}, "needs milliseconds"),
    ],
)
async def test_a_wrong_request_says_what_is_wrong(server, fields, words):
    """Nothing is added, and nothing is noted."""
    await server.take(envelopes.replay_video_envelope(0))
    answer = await server.web.post(server.page(REPLAY_ID, "/clips"), data=fields)
    assert (answer.status_code, words in answer.text) == (400, True)
    page = (await server.web.get(server.page(REPLAY_ID, "/clips"))).text
    assert "There is no clip" in page


async def test_a_replay_without_video_has_no_clip(server):
    """The range is named, and the place says so before anybody asks."""
    await server.take(envelopes.replay_video_envelope(0, video=None))
    answer = await server.web.post(server.page(REPLAY_ID, "/clips"), data={})
    assert answer.status_code == 400
    assert "no video" in answer.text
    assert (
        "no video to make a clip of"
        in (await server.web.get(server.page(REPLAY_ID, "/hand-on"))).text
    )


async def test_nobody_finds_a_clip_that_is_not_of_this_replay(server):
    """Ids that are none, and those of nothing, are answered alike."""
    await server.take(envelopes.replay_video_envelope(0))
    for clip_id in ("x", "a" * 32, "A" * 32, "0" * 31):
        for part in ("", "/file"):
            address = server.page(REPLAY_ID, f"/clips/{clip_id}{part}")
            assert (await server.web.get(address)).status_code == 404
        address = server.page(REPLAY_ID, f"/clips/{clip_id}/delete")
        assert (await server.web.post(address)).status_code == 404


async def test_a_deleted_replay_takes_its_clips_along(server, held):
    """Ready and waiting ones: nothing answers, nothing is stored, and the receipt counts them."""
    await server.take(envelopes.replay_video_envelope(0))
    ready = await ask(server, format="webp")
    assert await held.make_next() is ClipResult.READY
    ready = await look(server, ready)
    waiting = await ask(server, format="gif")
    assert len(list_clip_objects(server)) == 1
    await server.web.post(server.page(REPLAY_ID, "/delete"))
    for address in (ready["href"], ready["file"], waiting["href"]):
        assert (await server.web.get(address)).status_code == 404
    assert (await server.web.get(server.page(REPLAY_ID, "/clips"))).status_code == 410
    assert (await server.web.post(server.page(REPLAY_ID, "/clips"))).status_code == 404
    assert await read_storage(server) == []
    await sweep(server)
    assert list_clip_objects(server) == []
    async with server.database.reading() as connection:
        [counts] = await connection.scalars(
            text("select counts from erasures where project_id = :project_id"),
            {"project_id": server.app.id},
        )
    assert counts["clips"] == 2


async def test_a_clip_that_is_deleted_while_it_is_rendered_leaves_nothing(
    server, held, monkeypatch
):
    """Whoever renders it notices at the end at the latest; its file goes with the next sweep."""
    await server.take(envelopes.replay_video_envelope(0))
    told = await ask(server, format="webp")
    put_file = server.service.shared.objects.put_file

    async def put_then_delete(key: str, descriptor: int) -> None:
        await put_file(key, descriptor)
        assert (await server.web.post(f"{told['href']}/delete")).status_code == 303

    monkeypatch.setattr(
        type(server.service.shared.objects), "put_file", staticmethod(put_then_delete)
    )
    assert await held.make_next() is ClipResult.DELETED
    await sweep(server)
    assert list_clip_objects(server) == []
    assert await read_storage(server) == []


async def test_a_replay_that_is_deleted_while_its_clip_is_rendered_is_verified_again(
    server, held, monkeypatch
):
    """The file that was put after the sweep is found by another one."""
    await server.take(envelopes.replay_video_envelope(0))
    await ask(server, format="webp")
    put_file = server.service.shared.objects.put_file

    put_keys: list[str] = []

    async def delete_then_put(key: str, descriptor: int) -> None:
        await server.web.post(server.page(REPLAY_ID, "/delete"))
        await sweep(server)
        await put_file(key, descriptor)
        put_keys.append(key)

    monkeypatch.setattr(
        type(server.service.shared.objects), "put_file", staticmethod(delete_then_put)
    )
    assert await held.make_next() is ClipResult.DELETED
    assert len(put_keys) == 1
    await sweep(server)
    assert list_clip_objects(server) == []


async def test_a_process_that_dies_leaves_its_clip_to_another(server, held, monkeypatch):
    """The lease runs out; until then nobody else takes the clip."""
    await server.take(envelopes.replay_video_envelope(0))
    told = await ask(server, format="webp")
    async with server.database.transaction() as connection:
        assert await writes.claim_clip(connection) is not None
    assert (await look(server, told))["state"] == "rendering"
    assert await held.make_next() is None
    async with server.database.transaction() as connection:
        await connection.execute(
            text("update replay_clips set leased_until = now() - interval '1 second'")
        )
    assert (await look(server, told))["state"] == "waiting"
    assert await held.make_next() is ClipResult.READY
    assert (await look(server, told))["state"] == "ready"


async def test_a_clip_that_cannot_be_rendered_says_why_and_can_be_asked_for_again(
    server, held, monkeypatch
):
    """A broken video fails at once; an outage is borne for four tries."""
    await server.take(envelopes.replay_video_envelope(0, video=clip()[:-900]))
    workshop = held._workshop
    monkeypatch.setattr(
        held,
        "_workshop",
        type(workshop)(workshop.database, workshop.store, workshop.index_cache, workshop.folder, 0),
    )
    await server.take(envelopes.replay_video_envelope(1))
    told = await ask(server, format="mp4")
    assert await held.make_next() is ClipResult.FAILED
    state = await look(server, told)
    assert (state["state"], state["file"]) == ("failed", None)
    assert "processor time" in state["fault"]
    assert "processor time" in (await server.web.get(server.page(REPLAY_ID, "/clips"))).text
    assert (await ask(server, format="mp4"))["state"] == "waiting"


async def test_a_clip_that_ends_the_process_is_given_up(server, held):
    """A process that was killed postponed nothing: the number of tries alone tells."""
    await server.take(envelopes.replay_video_envelope(0))
    told = await ask(server, format="webp")
    async with server.database.transaction() as connection:
        await connection.execute(text("update replay_clips set tries = 4"))
    assert await held.make_next() is ClipResult.FAILED
    assert "Given up after 4 tries" in (await look(server, told))["fault"]


async def test_an_outage_of_the_store_is_borne(server, held, monkeypatch):
    """The clip waits and says why; after four tries it has failed."""
    await server.take(envelopes.replay_video_envelope(0))

    async def fail(*_arguments: object) -> None:
        raise ServiceUnavailable("the store does not answer")

    monkeypatch.setattr(type(server.service.shared.objects), "put_file", fail)
    told = await ask(server, format="webp")
    results = []
    for _ in range(4):
        results.append(await held.make_next())
        async with server.database.transaction() as connection:
            await connection.execute(text("update replay_clips set due_at = now()"))
    assert results == [ClipResult.POSTPONED] * 3 + [ClipResult.FAILED]
    assert "Given up after 4 tries: the store" in (await look(server, told))["fault"]


async def test_a_short_clip_does_not_wait_for_a_long_one(server, held, monkeypatch):
    """It is rendered between two groups of the long one, and is ready before it."""
    await server.take(*(envelopes.replay_video_envelope(number) for number in range(4)))
    monkeypatch.setattr(clip_maker, "_LONG_MS", 15_000)
    monkeypatch.setattr(clip_maker, "_SHORT_MS", 6_000)
    monkeypatch.setattr(clip_maker, "_LOOK_S", 0.0)
    long = await ask(server, format="mp4")
    started = asyncio.create_task(held.make_next())
    short = await ask(server, format="webp", **{"from": "1000", "to": "3000"})
    assert await started is ClipResult.READY
    assert held.results[ClipResult.READY] >= 1
    states = [(await look(server, each))["state"] for each in (long, short)]
    assert states == ["ready", "ready"]
    async with server.database.reading() as connection:
        order = await connection.scalars(text("select format from replay_clips order by ended_at"))
        assert list(order) == ["webp", "mp4"]


async def test_a_project_has_a_most_of_clips_that_wait(server, held, monkeypatch):
    """And a replay has a most of clips in all."""
    await server.take(envelopes.replay_video_envelope(0))
    monkeypatch.setattr("app.playback.clips.orders.MOST_WAITING", 2)
    for to_ms in ("1000", "2000"):
        await ask(server, **{"from": "0", "to": to_ms})
    address = server.page(REPLAY_ID, "/clips")
    answer = await server.web.post(address, data={"from": "0", "to": "3000"})
    assert (answer.status_code, "2 clips of this project wait" in answer.text) == (400, True)
    # What is there already can still be asked for.
    await ask(server, **{"from": "0", "to": "2000"})
    monkeypatch.setattr("app.playback.clips.orders.MOST_CLIPS", 2)
    answer = await server.web.post(address, data={"from": "0", "to": "3000"})
    assert (answer.status_code, "has 2 clips at most" in answer.text) == (400, True)


async def test_the_words_of_a_clip_hold_nothing_that_scrubbing_removed(server):
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
    await server.take(envelopes.replay_video_envelope(0, events=events))
    key = ReplayKey(server.app.id, ReplayId(REPLAY_ID))
    async with server.database.reading() as connection:
        replay = await replays.find_replay(connection, key)
    assert replay is not None
    read = await read_recorded_range(
        server.database,
        server.service.shared.objects,
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
    server, held
):
    """That release does not know clips, so their rows outlive the replay for a while."""
    await server.take(envelopes.replay_video_envelope(0))
    told = await ask(server, format="webp")
    assert await held.make_next() is ClipResult.READY
    async with server.database.transaction() as connection:
        assert await writes.delete_stray_clips(connection) == 0
        await connection.execute(
            text("delete from replays where project_id = :project_id"),
            {"project_id": server.app.id},
        )
        assert await writes.delete_stray_clips(connection) == 1
    assert (await server.web.get(told["href"])).status_code == 404
    assert await read_storage(server) == []
    await sweep(server)
    assert list_clip_objects(server) == []
