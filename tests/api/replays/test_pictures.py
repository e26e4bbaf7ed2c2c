"""Small pictures of replays: drawn in the background, served to people who may see the replay."""

import asyncio
import io
from datetime import timedelta
from typing import Any

import pytest
from PIL import Image

from app.core import clock
from app.core.errors import MalformedInput
from app.core.ids import ReplayId
from app.playback.pictures import draw, make, schedule
from app.playback.pictures.make import PictureResult
from app.replays import pictures
from app.replays.model import ReplayKey
from tests.support.builders import envelopes
from tests.support.builders.clips import clip, colour_of
from tests.support.builders.wire import REPLAY_ID
from tests.support.servers import server as servers
from tests.support.servers.server import Server
from tests.support.waiting import PATIENCE_S, until

PARTS = ("/pictures/poster.webp", "/pictures/preview.webp", "/pictures/sheet-0.webp")


@pytest.fixture(autouse=True)
def draw_at_once(monkeypatch):
    """Draw replays at once, instead of waiting until they have been quiet."""
    monkeypatch.setattr(schedule, "QUIET", timedelta(0))


async def draw_replay(server: Server) -> PictureResult | None:
    """Draw the replay as the background does, and return the result."""
    maker = server.service.maker
    maker.notes.note([replay_key(server)])
    before = maker.results.copy()
    await maker.step()
    return next(iter(maker.results - before), None)


def replay_key(server: Server) -> ReplayKey:
    """Return the key of the replay of these tests."""
    return ReplayKey(server.app.id, ReplayId(REPLAY_ID))


async def read_strip(server: Server) -> dict[str, Any]:
    """Return the facts about the strip that the page gets."""
    answer = await server.web.get(server.page(REPLAY_ID, "/pictures"))
    assert answer.status_code == 200
    strip: dict[str, Any] = answer.json()
    return strip


async def read_list(server: Server) -> str:
    """Return the list of replays."""
    return (await server.web.get("/replays")).text


def list_pictures(server: Server) -> list[str]:
    """Return the names of the pictures in object storage."""
    return [path.name for path in server.objects() if path.name.startswith("pictures-")]


def read_colour(data: bytes, at: tuple[int, int]) -> tuple[int, ...]:
    """Return the colour of one pixel."""
    with Image.open(io.BytesIO(data)) as picture:
        assert picture.format == "WEBP"
        pixel = picture.convert("RGB").getpixel(at)
    assert isinstance(pixel, tuple)
    return pixel


def is_similar(first: tuple[int, ...], second: tuple[int, ...]) -> bool:
    """Say whether two colours look alike."""
    return all(abs(a - b) < 40 for a, b in zip(first, second, strict=True))


async def test_pictures_show_what_the_phone_showed(server):
    """Strip and poster show the frames of their moments, and the list shows the poster."""
    await server.take(envelopes.replay_video_envelope(0), envelopes.replay_video_envelope(1))
    # It has just come, and waits to be noted.
    assert (await read_strip(server))["state"] == "due"
    assert 'data-state="due"' in await read_list(server)
    async with server.database.transaction() as connection:
        await pictures.request_pictures(connection, [replay_key(server)], at=clock.now())
    assert (await read_strip(server))["state"] == "due"
    assert f'data-pictures="{server.page(REPLAY_ID, "/pictures")}"' in await read_list(server)
    assert await draw_replay(server) is PictureResult.MADE
    assert f'src="{server.page(REPLAY_ID, PARTS[0])}?v=' in await read_list(server)
    strip = await read_strip(server)
    assert strip["state"] == "made"
    assert [tile[0] for tile in strip["tiles"]] == list(range(0, 10_000, 1_000))
    wide, high = strip["cell_px"]
    sheet = (await server.web.get(server.page(REPLAY_ID, PARTS[2]))).content
    for number in range(10):
        column, row = number % strip["columns"], number // strip["columns"]
        middle = (column * wide + wide // 2, row * high + high // 2)
        assert is_similar(read_colour(sheet, middle), colour_of(number % 5))
    poster = (await server.web.get(server.page(REPLAY_ID, PARTS[0]))).content
    # The poster shows the middle of the replay: second 5, the start of the next segment.
    assert is_similar(read_colour(poster, (20, 20)), colour_of(0))
    assert await draw_replay(server) is PictureResult.PUT_OFF


async def test_the_poster_shows_the_moment_of_the_first_error(server):
    """A later error makes a new poster, and the old pictures are removed."""
    await server.take(envelopes.replay_video_envelope(0), envelopes.replay_video_envelope(1))
    await draw_replay(server)
    old_names = list_pictures(server)
    await server.take(envelopes.event_envelope())
    assert await draw_replay(server) is PictureResult.MADE
    async with server.database.reading() as connection:
        by_key = await pictures.read_pictures(connection, [replay_key(server)])
    made = by_key[replay_key(server)].made
    assert made is not None
    second = (made.error_ms or 0) // 1000
    poster = (await server.web.get(server.page(REPLAY_ID, PARTS[0]))).content
    assert is_similar(read_colour(poster, (20, 20)), colour_of(second % 5))
    server.service.sweeper.hurry()
    await until(lambda: len(list_pictures(server)) == 1)
    assert list_pictures(server) != old_names


async def test_a_replay_that_grows_is_drawn_again(server):
    """The strip has the new segments, and a page with the old version gets 409."""
    await server.take(envelopes.replay_video_envelope(0))
    await draw_replay(server)
    old_strip = await read_strip(server)
    await server.take(envelopes.replay_video_envelope(1))
    assert await draw_replay(server) is PictureResult.MADE
    new_strip = await read_strip(server)
    assert len(new_strip["tiles"]) == 2 * len(old_strip["tiles"])
    for part in PARTS:
        path = server.page(REPLAY_ID, part)
        assert (await server.web.get(f"{path}?v={old_strip['version']}")).status_code == 409
        assert (await server.web.get(f"{path}?v={new_strip['version']}")).status_code == 200


async def test_only_people_who_may_see_a_replay_get_its_pictures(server):
    """Strangers, members of other projects, other sites and unknown sheets get no picture.

    A picture is sent with headers that forbid storing, sniffing and scripts.
    """
    await server.take(envelopes.replay_video_envelope(0))
    await draw_replay(server)
    for part in PARTS:
        answer = await server.web.get(server.page(REPLAY_ID, part))
        assert answer.headers["content-type"] == "image/webp"
        assert answer.headers["cache-control"] == "private, no-store"
        assert answer.headers["content-security-policy"] == "sandbox; default-src 'none'"
        assert answer.headers["cross-origin-resource-policy"] == "same-origin"
        assert answer.headers["x-content-type-options"] == "nosniff"
    for part in ("/pictures", *PARTS):
        path = server.page(REPLAY_ID, part)
        stranger = await server.sender.get(path)
        assert stranger.status_code in {303, 401}
        elsewhere = path.replace(f"/{server.app.id}/", f"/{server.backend.id}/", 1)
        assert (await server.web.get(elsewhere)).content != (await server.web.get(path)).content
    cross = {"sec-fetch-site": "cross-site"}
    assert (
        await server.web.get(server.page(REPLAY_ID, PARTS[0]), headers=cross)
    ).status_code == 403
    for part in ("/pictures/sheet-1.webp", "/pictures/sheet--1.webp", "/pictures/sheet-x.webp"):
        answer = await server.web.get(server.page(REPLAY_ID, part))
        assert answer.status_code in {404, 422}
    async with servers.tenant(server) as other_tenant:
        for part in ("/pictures", *PARTS):
            assert (await other_tenant.web.get(server.page(REPLAY_ID, part))).status_code == 404


async def test_a_replay_that_is_not_here_has_no_strip(server):
    """For deleted and unknown replays, a script learns that there is nothing to wait for."""
    await server.take(envelopes.replay_video_envelope(0))
    assert (await server.web.get(server.page(REPLAY_ID, "/pictures"))).status_code == 200
    await server.web.post(server.page(REPLAY_ID, "/delete"))
    for replay_id in (REPLAY_ID, "9" * 32):
        for part in ("/pictures", *PARTS):
            assert (await server.web.get(server.page(replay_id, part))).status_code == 404
    assert (await server.web.get(server.page(REPLAY_ID))).status_code == 410


async def test_a_deletion_removes_the_pictures_of_the_replay(server):
    """The pictures get 404 at once, and are off the disk after the sweep."""
    await server.take(envelopes.replay_video_envelope(0))
    await draw_replay(server)
    await server.web.post(server.page(REPLAY_ID, "/delete"))
    for part in PARTS:
        assert (await server.web.get(server.page(REPLAY_ID, part))).status_code == 404
    await until(lambda: not server.objects())
    assert await draw_replay(server) is PictureResult.DELETED


async def test_a_replay_that_is_deleted_while_it_is_drawn_keeps_no_pictures(server, monkeypatch):
    """The deletion is swept before the drawing ends; the next sweep removes its pictures."""
    await server.take(envelopes.replay_video_envelope(0))
    is_drawing, may_end = asyncio.Event(), asyncio.Event()

    async def slow(*arguments: Any) -> Any:
        strip = await draw.draw_strip(*arguments)
        is_drawing.set()
        await may_end.wait()
        return strip

    monkeypatch.setattr(make, "draw_strip", slow)
    drawing = asyncio.create_task(draw_replay(server))
    await is_drawing.wait()
    await server.web.post(server.page(REPLAY_ID, "/delete"))
    await until(lambda: not server.objects())
    await wait_until_swept(server)
    may_end.set()
    assert await drawing is PictureResult.DELETED
    assert len(list_pictures(server)) == 1
    server.service.sweeper.hurry()
    await until(lambda: not server.objects())
    assert not await count_picture_rows(server)


async def wait_until_swept(server: Server) -> None:
    """Wait until the deletion has its receipt."""

    async def is_swept() -> bool:
        async with server.database.reading() as connection:
            result = await connection.exec_driver_sql("select swept_at from tombstones")
            return result.scalar() is not None

    async with asyncio.timeout(PATIENCE_S):
        while not await is_swept():  # noqa: ASYNC110 - the database has no event
            await asyncio.sleep(0.01)


async def count_picture_rows(server: Server) -> int:
    """Count the rows of pictures."""
    async with server.database.reading() as connection:
        result = await connection.exec_driver_sql("select count(*) from replay_pictures")
        return result.scalar() or 0


async def test_a_process_that_dies_while_drawing_leaves_nothing(server):
    """When its lease ends, another process finds the replay deleted and sends the sweep again."""
    await server.take(envelopes.replay_video_envelope(0))
    async with server.database.transaction() as connection:
        await pictures.request_pictures(connection, [replay_key(server)], at=clock.now())
        assert await pictures.claim_picture_task(connection, at=clock.now())
    await server.web.post(server.page(REPLAY_ID, "/delete"))
    await until(lambda: not server.objects())
    await wait_until_swept(server)
    leftover = server.folder / "objects/p" / str(server.app.id) / "r" / REPLAY_ID / "pictures-00"
    leftover.parent.mkdir(parents=True)
    leftover.write_bytes(b"put, and then it died")
    async with server.database.transaction() as connection:
        await connection.exec_driver_sql("update replay_pictures set leased_until = now()")
    assert await draw_replay(server) is PictureResult.DELETED
    server.service.sweeper.hurry()
    await until(lambda: not server.objects())


async def test_two_processes_do_not_draw_one_replay(server):
    """A claimed replay is not claimed again, but is due again if it changed meanwhile."""
    await server.take(envelopes.replay_video_envelope(0))
    now = clock.now()
    async with server.database.transaction() as connection:
        await pictures.request_pictures(connection, [replay_key(server)], at=now)
        task = await pictures.claim_picture_task(connection, at=now)
        assert task is not None
        assert await pictures.claim_picture_task(connection, at=now) is None
        later = now + timedelta(seconds=1)
        await pictures.request_pictures(connection, [replay_key(server)], at=later)
        await pictures.postpone_pictures(connection, task, until=None)
        assert await pictures.claim_picture_task(connection, at=now) is None
        assert await pictures.claim_picture_task(connection, at=later) is not None


async def test_the_pictures_of_a_replay_survive_a_broken_segment(server):
    """A video that crashes the child process is left out, and a new child draws the rest."""
    broken = bytearray(clip())
    at = broken.find(b"mdat")
    broken[at + 4 : at + 400] = b"\xff" * 396
    await server.take(
        envelopes.replay_video_envelope(0),
        envelopes.replay_video_envelope(1, video=bytes(broken)),
        envelopes.replay_video_envelope(2),
    )
    assert await draw_replay(server) is PictureResult.MADE
    times = [tile[0] for tile in (await read_strip(server))["tiles"]]
    assert {0, 4_000, 10_000, 14_000} <= set(times)


async def test_a_replay_that_cannot_be_drawn_says_why(server, monkeypatch):
    """Drawing is tried three times, with growing pauses, and then its reason stays."""

    async def fail(*arguments: Any) -> Any:
        raise MalformedInput("the decoder gave up on the video")

    monkeypatch.setattr(make, "draw_strip", fail)
    monkeypatch.setattr(schedule, "_AGAIN", (timedelta(0), timedelta(0)))
    await server.take(envelopes.replay_video_envelope(0))
    for attempt in range(1, 4):
        assert await draw_replay(server) is PictureResult.FAILED
        strip = await read_strip(server)
        assert strip == {
            "state": "due" if attempt < 3 else "none",
            "fault": "the decoder gave up on the video",
        }


async def test_an_unexpected_error_counts_as_a_failure_to_draw(server, monkeypatch):
    """The exception reaches the log, and the strip says that Playhead failed."""

    async def fail(*arguments: Any) -> Any:
        raise RuntimeError("unforeseen")

    monkeypatch.setattr(make, "draw_strip", fail)
    await server.take(envelopes.replay_video_envelope(0))
    with pytest.raises(RuntimeError):
        await draw_replay(server)
    assert await read_strip(server) == {
        "state": "due",
        "fault": "Playhead failed; its log says how",
    }


async def test_pictures_are_drawn_in_the_background(database_url, tmp_path):
    """A replay with an error has pictures seconds after it arrived, and metrics count them."""
    async with servers.running(database_url, tmp_path, pictures=True) as server:
        await server.take(envelopes.replay_video_envelope(0), envelopes.event_envelope())
        async with asyncio.timeout(PATIENCE_S):
            while (await read_strip(server))["state"] != "made":  # noqa: ASYNC110 - nor has HTTP
                await asyncio.sleep(0.1)
        metrics = (await server.sender.get("/metrics")).text
        assert 'playhead_pictures_total{result="made"} 1.0' in metrics


async def test_a_replay_that_still_grows_is_put_off_without_reading_it(server, monkeypatch):
    """Only the row of the replay is read until it has been quiet, or until an error names it."""
    monkeypatch.setattr(schedule, "QUIET", timedelta(hours=1))
    monkeypatch.setattr(schedule, "_ERROR", timedelta(0))
    calls: list[Any] = []
    original = make._read_drawable_replay

    async def record_call(*arguments: Any) -> Any:
        calls.append(arguments)
        return await original(*arguments)

    monkeypatch.setattr(make, "_read_drawable_replay", record_call)
    await server.take(envelopes.replay_video_envelope(0))
    assert await draw_replay(server) is PictureResult.PUT_OFF
    assert not calls
    await server.take(envelopes.event_envelope())
    async with server.database.transaction() as connection:
        await connection.exec_driver_sql("update replay_pictures set due_at = now()")
    assert await draw_replay(server) is PictureResult.MADE
    assert calls


async def test_a_repair_requests_pictures_that_a_process_forgot(server):
    """A replay that a process noted but never wrote down is requested once."""
    await server.take(envelopes.replay_video_envelope(0))
    now = clock.now()
    async with server.database.transaction() as connection:
        since = now - timedelta(days=1)
        assert await pictures.request_forgotten_pictures(connection, since=since, at=now) == 1
        assert await pictures.request_forgotten_pictures(connection, since=since, at=now) == 0
