"""The pictures of replays that messages show, which open without an account."""

import asyncio
import io
from datetime import timedelta

import pytest
from PIL import Image

from app.core import units
from app.core.errors import MalformedInput
from app.media.encode import encode_video
from app.playback.pictures import schedule
from app.playback.pictures.make import PictureResult
from app.projects import writes as project_writes
from app.replays import queries as replays
from app.replays.sharing import queries as shares, writes as share_writes
from app.sharing import message_jpegs
from app.sharing.message_pictures import hand_out_picture
from app.web.urls import share_urls
from tests.api.replays.test_pictures import draw_replay, replay_key
from tests.support.builders import envelopes
from tests.support.servers.server import Server


@pytest.fixture(autouse=True)
def draw_at_once(monkeypatch, server):
    """Draw replays at once, instead of waiting until they have been quiet, and moments as well."""
    monkeypatch.setattr(schedule, "QUIET", timedelta(0))
    monkeypatch.setitem(vars(server.service.page_services.settings), "pictures", True)


async def test_a_message_shows_the_poster_as_jpeg_until_it_is_taken_back(server):
    """Whoever has its address gets the picture; it opens nothing else, and a view is counted."""
    await server.take(envelopes.replay_video_envelope(0))
    key = replay_key(server)
    async with server.database.transaction() as connection:
        await project_writes.set_alerts_show_pictures(connection, key.project_id, is_on=True)
        early = await hand_out_picture(connection, key)
    assert (await server.sender.get(share_urls.message_picture(early))).status_code == 404
    assert await draw_replay(server) is PictureResult.MADE
    address = share_urls.message_picture(early)
    answer, again = await server.sender.get(address), await server.sender.get(address)
    assert (answer.status_code, again.content) == (200, answer.content)
    assert answer.headers["content-type"] == "image/jpeg"
    assert answer.headers["cross-origin-resource-policy"] == "cross-origin"
    assert "no-store" in answer.headers["cache-control"]
    with Image.open(io.BytesIO(answer.content)) as photo:
        assert (photo.format, photo.size) == ("JPEG", (128, 256))
    for other in (share_urls.share(early), f"{share_urls.share(early)}/index"):
        assert (await server.sender.get(other)).status_code == 404
    async with server.database.transaction() as connection:
        [share] = await shares.list_shares_of_replay(connection, key)
        assert share.views == 1
        await share_writes.revoke_share(connection, key, share.id, person_id=None)
    assert (await server.sender.get(address)).status_code == 410


async def test_a_message_about_a_later_error_shows_its_moment(server):
    """Two messages about one replay show the screens of their own moments, not the poster."""
    for number, colour in enumerate(("red", "lime", "blue")):
        frames = [Image.new("RGB", (128, 256), colour)] * 5
        video = encode_video(frames).data
        await server.take(envelopes.replay_video_envelope(number, video=video))
    key = replay_key(server)
    assert await draw_replay(server) is PictureResult.MADE
    async with server.database.transaction() as connection:
        await project_writes.set_alerts_show_pictures(connection, key.project_id, is_on=True)
        replay = await replays.find_replay(connection, key)
        assert replay
        zero_ms = units.ms_from_at(replay.started_at)
        tokens = [
            await hand_out_picture(connection, key, moment_at_ms=zero_ms + after_ms)
            # The last one is after the end, as a crash is of which no picture was taken.
            for after_ms in (1_000, 7_000, 60_000)
        ]
    colours = []
    for token in tokens:
        answer = await server.sender.get(share_urls.message_picture(token))
        assert answer.headers["content-type"] == "image/jpeg"
        with Image.open(io.BytesIO(answer.content)) as photo:
            pixel = photo.convert("RGB").getpixel((64, 128))
        assert isinstance(pixel, tuple)
        colours.append("rgb"[pixel.index(max(pixel))])
    assert colours == ["r", "g", "b"]


async def hand_out_moment(server: Server) -> str:
    """Store a replay whose poster is drawn, and return the address of one of its moments."""
    await server.take(envelopes.replay_video_envelope(0))
    key = replay_key(server)
    assert await draw_replay(server) is PictureResult.MADE
    async with server.database.transaction() as connection:
        await project_writes.set_alerts_show_pictures(connection, key.project_id, is_on=True)
        replay = await replays.find_replay(connection, key)
        assert replay
        at_ms = units.ms_from_at(replay.started_at)
        return share_urls.message_picture(
            await hand_out_picture(connection, key, moment_at_ms=at_ms)
        )


async def test_a_moment_that_cannot_be_drawn_is_tried_once(server, monkeypatch):
    """All who open one message wait for the same try, and get the poster, as all later ones do."""
    address, tries = await hand_out_moment(server), []

    async def fail(*_args: object) -> bytes:
        tries.append(1)
        await asyncio.sleep(0)
        raise MalformedInput("it cannot be decoded")

    monkeypatch.setattr(message_jpegs, "draw_still", fail)
    answers = await asyncio.gather(*(server.sender.get(address) for _ in range(12)))
    answers.append(await server.sender.get(address))
    assert {answer.status_code for answer in answers} == {200}
    assert len(tries) == 1


async def test_no_video_is_decoded_for_a_message_where_drawing_is_off(server, monkeypatch):
    """The poster that was drawn before is shown."""
    address = await hand_out_moment(server)

    async def never(*_args: object) -> bytes:
        raise AssertionError

    monkeypatch.setattr(message_jpegs, "draw_still", never)
    monkeypatch.setitem(vars(server.service.page_services.settings), "pictures", False)
    assert (await server.sender.get(address)).status_code == 200
