"""Clips of replays: asked for by members, rendered in the background, gone with their replay."""

import io
from typing import Any

import av
import pytest
from PIL import Image

from tests.support.asked_clips import ask, read_storage, wait_for
from tests.support.builders import envelopes, recordings
from tests.support.builders.clips import colour_of
from tests.support.builders.wire import REPLAY_ID, STARTED_MS

pytestmark = pytest.mark.asyncio(loop_scope="session")

FINGER = (216, 68, 151)


async def test_a_clip_is_rendered_and_taken(clips_server):
    """A clip shows its range with the tap in place; the same request leads to the same clip."""
    taps = [
        recordings.meta(STARTED_MS, width=128, height=256),
        recordings.touch("start", STARTED_MS + 1_500, 64, 128),
        recordings.touch("end", STARTED_MS + 1_560, 64, 128),
    ]
    await clips_server.take(
        envelopes.replay_video_envelope(0, events=taps), envelopes.replay_video_envelope(1)
    )
    wish = {"format": "mp4", "from": "1000", "to": "4000", "taps": "yes"}
    told = await ask(clips_server, **wish)
    assert told["state"] in {"waiting", "rendering"}
    ready = await wait_for(clips_server, told)
    assert (ready["state"], ready["fault"], ready["size_px"]) == ("ready", None, [128, 256])
    answer = await clips_server.web.get(ready["file"])
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
    part = await clips_server.web.get(ready["file"], headers={"range": "bytes=4-7"})
    assert (part.status_code, part.content) == (206, b"ftyp")
    assert (await ask(clips_server, **wish))["href"] == told["href"]
    assert await read_storage(clips_server) == [(1, len(answer.content))]
    page = (await clips_server.web.get(clips_server.page(REPLAY_ID, "/clips"))).text
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


async def test_a_form_works_without_a_script(clips_server, held, monkeypatch):
    """The form leads to the list, which reloads itself until the clip is ready."""
    await clips_server.take(envelopes.replay_video_envelope(0))
    answer = await clips_server.web.post(
        clips_server.page(REPLAY_ID, "/clips"), data={"format": "gif"}
    )
    assert answer.status_code == 303
    page = (await clips_server.web.get(answer.headers["location"])).text
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
async def test_a_wrong_request_says_what_is_wrong(clips_server, fields, words):
    """Nothing is added, and nothing is noted."""
    await clips_server.take(envelopes.replay_video_envelope(0))
    answer = await clips_server.web.post(clips_server.page(REPLAY_ID, "/clips"), data=fields)
    assert (answer.status_code, words in answer.text) == (400, True)
    page = (await clips_server.web.get(clips_server.page(REPLAY_ID, "/clips"))).text
    assert "There is no clip" in page


async def test_a_replay_without_video_has_no_clip(clips_server):
    """The range is named, and the place says so before anybody asks."""
    await clips_server.take(envelopes.replay_video_envelope(0, video=None))
    answer = await clips_server.web.post(clips_server.page(REPLAY_ID, "/clips"), data={})
    assert answer.status_code == 400
    assert "no video" in answer.text
    assert (
        "no video to make a clip of"
        in (await clips_server.web.get(clips_server.page(REPLAY_ID, "/hand-on"))).text
    )


async def test_nobody_finds_a_clip_that_is_not_of_this_replay(clips_server):
    """Ids that are none, and those of nothing, are answered alike."""
    await clips_server.take(envelopes.replay_video_envelope(0))
    for clip_id in ("x", "a" * 32, "A" * 32, "0" * 31):
        for part in ("", "/file"):
            address = clips_server.page(REPLAY_ID, f"/clips/{clip_id}{part}")
            assert (await clips_server.web.get(address)).status_code == 404
        address = clips_server.page(REPLAY_ID, f"/clips/{clip_id}/delete")
        assert (await clips_server.web.post(address)).status_code == 404
