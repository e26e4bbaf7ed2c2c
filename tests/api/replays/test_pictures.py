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
from tests.support.waiting import until

PARTS = ("/pictures/poster.webp", "/pictures/preview.webp", "/pictures/sheet-0.webp")


@pytest.fixture(autouse=True)
def at_once(monkeypatch):
    """Nobody waits until a replay has been quiet."""
    monkeypatch.setattr(schedule, "QUIET", timedelta(0))


async def drawn(server: Server) -> PictureResult | None:
    """Have the replay looked at, as the background does."""
    maker = server.service.maker
    maker.note([key_of(server)])
    before = maker.results.copy()
    await maker.step()
    return next(iter(maker.results - before), None)


def key_of(server: Server) -> ReplayKey:
    """The key of the replay of these tests."""
    return ReplayKey(server.app.id, ReplayId(REPLAY_ID))


async def strip_of(server: Server) -> dict[str, Any]:
    """What the page is told of the strip."""
    answer = await server.web.get(server.page(REPLAY_ID, "/pictures"))
    assert answer.status_code == 200
    strip: dict[str, Any] = answer.json()
    return strip


async def listed(server: Server) -> str:
    """The list of replays."""
    return (await server.web.get("/replays")).text


def small_objects(server: Server) -> list[str]:
    """The pictures in object storage."""
    return [path.name for path in server.objects() if path.name.startswith("pictures-")]


def colour(data: bytes, at: tuple[int, int]) -> tuple[int, ...]:
    """The colour of one pixel."""
    with Image.open(io.BytesIO(data)) as picture:
        assert picture.format == "WEBP"
        found = picture.convert("RGB").getpixel(at)
    assert isinstance(found, tuple)
    return found


def near(one: tuple[int, ...], other: tuple[int, ...]) -> bool:
    """Whether two colours look alike."""
    return all(abs(a - b) < 40 for a, b in zip(one, other, strict=True))


async def test_a_replay_is_drawn(server):
    """Strip, preview and poster show what the phone showed at their moments."""
    await server.take(envelopes.replay_video_envelope(0), envelopes.replay_video_envelope(1))
    # It has just come, and waits to be noted.
    assert (await strip_of(server))["state"] == "due"
    assert 'data-state="due"' in await listed(server)
    async with server.database.transaction() as connection:
        await pictures.request_pictures(connection, [key_of(server)], at=clock.now())
    assert (await strip_of(server))["state"] == "due"
    assert f'data-pictures="{server.page(REPLAY_ID, "/pictures")}"' in await listed(server)
    assert await drawn(server) is PictureResult.MADE
    assert f'src="{server.page(REPLAY_ID, PARTS[0])}?v=' in await listed(server)
    strip = await strip_of(server)
    assert strip["state"] == "made"
    assert [tile[0] for tile in strip["tiles"]] == list(range(0, 10_000, 1_000))
    wide, high = strip["cell_px"]
    sheet = (await server.web.get(server.page(REPLAY_ID, PARTS[2]))).content
    for number in range(10):
        column, row = number % strip["columns"], number // strip["columns"]
        middle = (column * wide + wide // 2, row * high + high // 2)
        assert near(colour(sheet, middle), colour_of(number % 5))
    poster = (await server.web.get(server.page(REPLAY_ID, PARTS[0]))).content
    assert near(colour(poster, (20, 20)), colour_of(0))  # the middle: second 5, the next segment
    assert await drawn(server) is PictureResult.PUT_OFF


async def test_the_poster_shows_the_first_error(server):
    """An error that comes later has the poster drawn again; the old pictures are removed."""
    await server.take(envelopes.replay_video_envelope(0), envelopes.replay_video_envelope(1))
    await drawn(server)
    old = small_objects(server)
    await server.take(envelopes.event_envelope())
    assert await drawn(server) is PictureResult.MADE
    async with server.database.reading() as connection:
        found = (await pictures.read_pictures(connection, [key_of(server)]))[key_of(server)]
    assert found.made is not None
    second = (found.made.error_ms or 0) // 1000
    poster = (await server.web.get(server.page(REPLAY_ID, PARTS[0]))).content
    assert near(colour(poster, (20, 20)), colour_of(second % 5))
    server.service.sweeper.hurry()
    await until(lambda: len(small_objects(server)) == 1)
    assert small_objects(server) != old


async def test_a_replay_that_grows_is_drawn_again(server):
    """New segments are on the strip; a page with the old version is told to ask again."""
    await server.take(envelopes.replay_video_envelope(0))
    await drawn(server)
    old = await strip_of(server)
    await server.take(envelopes.replay_video_envelope(1))
    assert await drawn(server) is PictureResult.MADE
    new = await strip_of(server)
    assert len(new["tiles"]) == 2 * len(old["tiles"])
    for part in PARTS:
        path = server.page(REPLAY_ID, part)
        assert (await server.web.get(f"{path}?v={old['version']}")).status_code == 409
        assert (await server.web.get(f"{path}?v={new['version']}")).status_code == 200


async def test_those_who_may_not_see_the_replay_see_no_picture(server):
    """Not signed in: the sign-in form. Another project, another site, another sheet: no.

    Those who may get an answer that is not stored, not guessed at and runs nothing.
    """
    await server.take(envelopes.replay_video_envelope(0))
    await drawn(server)
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
    async with servers.tenant(server) as other:
        for part in ("/pictures", *PARTS):
            assert (await other.web.get(server.page(REPLAY_ID, part))).status_code == 404


async def test_a_replay_that_is_not_here_has_no_strip(server):
    """Whether it was deleted or never came: a script learns that there is nothing to wait for."""
    await server.take(envelopes.replay_video_envelope(0))
    assert (await server.web.get(server.page(REPLAY_ID, "/pictures"))).status_code == 200
    await server.web.post(server.page(REPLAY_ID, "/delete"))
    for replay_id in (REPLAY_ID, "9" * 32):
        for part in ("/pictures", *PARTS):
            assert (await server.web.get(server.page(replay_id, part))).status_code == 404
    assert (await server.web.get(server.page(REPLAY_ID))).status_code == 410


async def test_a_deleted_replay_takes_its_pictures_along(server):
    """Out of reach at once, off the disk after the sweep."""
    await server.take(envelopes.replay_video_envelope(0))
    await drawn(server)
    await server.web.post(server.page(REPLAY_ID, "/delete"))
    for part in PARTS:
        assert (await server.web.get(server.page(REPLAY_ID, part))).status_code == 404
    await until(lambda: not server.objects())
    assert await drawn(server) is PictureResult.DELETED


async def test_the_tombstone_wins_over_pictures_being_drawn(server, monkeypatch):
    """Deleted and swept while a child draws it: the pictures go as well, and no row is left."""
    await server.take(envelopes.replay_video_envelope(0))
    is_drawing, may_end = asyncio.Event(), asyncio.Event()

    async def slow(*arguments: Any) -> Any:
        strip = await draw.draw_strip(*arguments)
        is_drawing.set()
        await may_end.wait()
        return strip

    monkeypatch.setattr(make, "draw_strip", slow)
    drawing = asyncio.create_task(drawn(server))
    await is_drawing.wait()
    await server.web.post(server.page(REPLAY_ID, "/delete"))
    await until(lambda: not server.objects())
    await swept(server)
    may_end.set()
    assert await drawing is PictureResult.DELETED
    assert len(small_objects(server)) == 1
    server.service.sweeper.hurry()
    await until(lambda: not server.objects())
    assert not await rows(server)


async def swept(server: Server) -> None:
    """Wait for the receipt."""

    async def is_swept() -> bool:
        async with server.database.reading() as connection:
            found = await connection.exec_driver_sql("select swept_at from tombstones")
            return found.scalar() is not None

    async with asyncio.timeout(20):
        while not await is_swept():  # noqa: ASYNC110 - the database has no event
            await asyncio.sleep(0.01)


async def rows(server: Server) -> int:
    """Count the rows of pictures."""
    async with server.database.reading() as connection:
        found = await connection.exec_driver_sql("select count(*) from replay_pictures")
        return found.scalar() or 0


async def test_a_process_that_dies_while_drawing_leaves_nothing(server):
    """Its lease ends; the next one finds the replay deleted and sends the sweep again."""
    await server.take(envelopes.replay_video_envelope(0))
    async with server.database.transaction() as connection:
        await pictures.request_pictures(connection, [key_of(server)], at=clock.now())
        assert await pictures.claim_picture_task(connection, at=clock.now())
    await server.web.post(server.page(REPLAY_ID, "/delete"))
    await until(lambda: not server.objects())
    await swept(server)
    left = server.folder / "objects/p" / str(server.app.id) / "r" / REPLAY_ID / "pictures-00"
    left.parent.mkdir(parents=True)
    left.write_bytes(b"put, and then it died")
    async with server.database.transaction() as connection:
        await connection.exec_driver_sql("update replay_pictures set leased_until = now()")
    assert await drawn(server) is PictureResult.DELETED
    server.service.sweeper.hurry()
    await until(lambda: not server.objects())


async def test_two_processes_do_not_draw_one_replay(server):
    """What one has claimed, another does not get; it is wanted again when it changed meanwhile."""
    await server.take(envelopes.replay_video_envelope(0))
    now = clock.now()
    async with server.database.transaction() as connection:
        await pictures.request_pictures(connection, [key_of(server)], at=now)
        task = await pictures.claim_picture_task(connection, at=now)
        assert task is not None
        assert await pictures.claim_picture_task(connection, at=now) is None
        later = now + timedelta(seconds=1)
        await pictures.request_pictures(connection, [key_of(server)], at=later)
        await pictures.postpone_pictures(connection, task, until=None)
        assert await pictures.claim_picture_task(connection, at=now) is None
        assert await pictures.claim_picture_task(connection, at=later) is not None


async def test_one_broken_segment_does_not_spoil_the_others(server):
    """Pictures that end the child are left out, and a new child draws the rest."""
    broken = bytearray(clip())
    at = broken.find(b"mdat")
    broken[at + 4 : at + 400] = b"\xff" * 396
    await server.take(
        envelopes.replay_video_envelope(0),
        envelopes.replay_video_envelope(1, video=bytes(broken)),
        envelopes.replay_video_envelope(2),
    )
    assert await drawn(server) is PictureResult.MADE
    times = [tile[0] for tile in (await strip_of(server))["tiles"]]
    assert {0, 4_000, 10_000, 14_000} <= set(times)


async def test_what_cannot_be_drawn_says_why(server, monkeypatch):
    """A failure is tried three times in all, with growing pauses, and then its reason stays."""

    async def fails(*arguments: Any) -> Any:
        raise MalformedInput("the decoder gave up on the video")

    monkeypatch.setattr(make, "draw_strip", fails)
    monkeypatch.setattr(schedule, "_AGAIN", (timedelta(0), timedelta(0)))
    await server.take(envelopes.replay_video_envelope(0))
    for tries in range(1, 4):
        assert await drawn(server) is PictureResult.FAILED
        strip = await strip_of(server)
        assert strip == {
            "state": "due" if tries < 3 else "none",
            "fault": "the decoder gave up on the video",
        }


async def test_a_fault_of_our_own_is_not_tried_for_ever(server, monkeypatch):
    """What nobody foresaw is logged, and counts as a failure like any other."""

    async def falls(*arguments: Any) -> Any:
        raise RuntimeError("unforeseen")

    monkeypatch.setattr(make, "draw_strip", falls)
    await server.take(envelopes.replay_video_envelope(0))
    with pytest.raises(RuntimeError):
        await drawn(server)
    assert await strip_of(server) == {"state": "due", "fault": "Playhead failed; its log says how"}


async def test_pictures_come_by_themselves(database_url, tmp_path):
    """With an error in it, a replay has its poster seconds after it arrived; metrics tell."""
    async with servers.running(database_url, tmp_path, pictures=True) as server:
        await server.take(envelopes.replay_video_envelope(0), envelopes.event_envelope())
        async with asyncio.timeout(60):
            while (await strip_of(server))["state"] != "made":  # noqa: ASYNC110 - nor has HTTP
                await asyncio.sleep(0.1)
        figures = (await server.sender.get("/metrics")).text
        assert 'playhead_pictures_total{result="made"} 1.0' in figures


async def test_a_replay_that_goes_on_is_put_off_at_a_glance(server, monkeypatch):
    """Until it has been quiet only its row is read; an error that names it calls for a look."""
    monkeypatch.setattr(schedule, "QUIET", timedelta(hours=1))
    monkeypatch.setattr(schedule, "_ERROR", timedelta(0))
    looked: list[Any] = []
    original = make._read_drawable_replay

    async def find(*arguments: Any) -> Any:
        looked.append(arguments)
        return await original(*arguments)

    monkeypatch.setattr(make, "_read_drawable_replay", find)
    await server.take(envelopes.replay_video_envelope(0))
    assert await drawn(server) is PictureResult.PUT_OFF
    assert not looked
    await server.take(envelopes.event_envelope())
    async with server.database.transaction() as connection:
        await connection.exec_driver_sql("update replay_pictures set due_at = now()")
    assert await drawn(server) is PictureResult.MADE
    assert looked


async def test_forgotten_replays_are_found(server):
    """What a process noted and never wrote is found by the next repair, once."""
    await server.take(envelopes.replay_video_envelope(0))
    now = clock.now()
    async with server.database.transaction() as connection:
        since = now - timedelta(days=1)
        assert await pictures.request_forgotten_pictures(connection, since=since, at=now) == 1
        assert await pictures.request_forgotten_pictures(connection, since=since, at=now) == 0
