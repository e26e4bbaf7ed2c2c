"""Tests of clips: a range of a replay goes in, and a file that everything plays comes out."""

import asyncio
import io
import itertools
import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import av
import pytest
from PIL import Image

from app.core.errors import MalformedInput
from app.core.replay.clip_format import ClipFormat
from app.core.replay.replay_range import ReplayRange
from app.media.clip import child
from app.playback.clips.captions import CaptionEvent, ClipCaptions
from app.playback.clips.render import ClipRenderer, ClipSettings, RenderedClip
from app.playback.recording.gestures import Gesture, TouchPoint
from app.playback.video.index import PlaybackIndex
from tests.browser.player.truth import of_family
from tests.browser.player.watching import PALETTE
from tests.support.builders.clip_sources import MemoryStore, clip_source
from tests.support.builders.clips import clip, colour_of
from tests.support.recorded import contents

SIZE = (128, 256)
FINGER = (216, 68, 151)


@dataclass(frozen=True)
class RenderedFile:
    """A clip, and what was said of it."""

    data: bytes
    said: RenderedClip
    progress: tuple[float, ...]

    def show(self) -> list[tuple[int, Image.Image]]:
        """Decode it: the pictures, and from which millisecond on each is shown."""
        if self.data[4:8] == b"ftyp":
            with av.open(io.BytesIO(self.data), "r") as opened:
                return [
                    (round((frame.time or 0) * 1000), to_image(frame))
                    for frame in opened.decode(video=0)
                ]
        shown, at_ms = [], 0
        with Image.open(io.BytesIO(self.data)) as opened:
            for number in range(getattr(opened, "n_frames", 1)):
                opened.seek(number)
                opened.load()
                shown.append((at_ms, opened.convert("RGB")))
                at_ms += int(opened.info["duration"])
        assert at_ms == pytest.approx(self.said.duration_ms, abs=10)
        return shown

    def find_pixel(self, at_ms: int, place: tuple[int, int]) -> tuple[int, int, int]:
        """Return the colour at a place of the picture that is shown at a time."""
        picture = [picture for from_ms, picture in self.show() if from_ms <= at_ms][-1]
        red, green, blue = picture.getpixel(place)  # type: ignore[misc]  # RGB has three
        return red, green, blue


def to_image(frame: av.VideoFrame) -> Image.Image:
    """Return a decoded frame as a picture."""
    picture: Image.Image = frame.to_image()  # type: ignore[no-untyped-call]  # PyAV
    return picture


async def render(
    source: tuple[MemoryStore, PlaybackIndex],
    wanted: ReplayRange,
    clip_format: ClipFormat = ClipFormat.MP4,
    *,
    most_cpu_s: int = 60,
    **changes: Any,
) -> RenderedFile:
    """Render a range of a replay."""
    progress: list[float] = []

    async def note(part: float) -> None:
        progress.append(part)

    settings = ClipSettings(clip_format, wanted, (), None, has_body=False)
    store, index = source
    renderer = ClipRenderer(
        store,  # type: ignore[arg-type]  # it reads only
        index,
        replace(settings, **changes),
        most_cpu_s=most_cpu_s,
        note_progress=note,
    )
    with tempfile.TemporaryFile() as target:
        said = await renderer.render(target.fileno())
        data = os.pread(target.fileno(), said.size_bytes, 0)
    return RenderedFile(data, said, tuple(progress))


def is_near(colour: tuple[int, int, int], expected: tuple[int, int, int]) -> bool:
    """Tell whether two colours look alike, as far as an encoder keeps them."""
    return all(abs(a - b) < 40 for a, b in zip(colour, expected, strict=True))


def tap(at_ms: int, x: float, y: float, *, size: tuple[int, int] = SIZE) -> Gesture:
    """Make a tap."""
    return Gesture("tap", 0, size, (TouchPoint(at_ms, x, y), TouchPoint(at_ms + 80, x, y)))


def swipe(at_ms: int, points: Sequence[tuple[float, float]]) -> Gesture:
    """Make a swipe with a point every 50 ms."""
    way = tuple(TouchPoint(at_ms + number * 50, x, y) for number, (x, y) in enumerate(points))
    return Gesture("swipe", 0, SIZE, way)


@pytest.mark.parametrize("clip_format", ClipFormat)
async def test_a_clip_shows_the_pictures_of_its_range_at_their_times(clip_format):
    """From 2.5 to 8 s: each second's own picture, exactly as long as it was on the screen."""
    source = clip_source([clip(), clip()])
    rendered = await render(source, ReplayRange(2_500, 8_000), clip_format)
    assert rendered.said.duration_ms == 5_500
    pictures = rendered.show()
    assert [at_ms for at_ms, _ in pictures] == [0, 500, 1_500, 2_500, 3_500, 4_500]
    for number, second in enumerate((2, 3, 4, 0, 1, 2)):
        pixel: Any = pictures[number][1].getpixel((64, 128))
        assert is_near(pixel, colour_of(second))
    assert rendered.progress[-1] == 1.0
    assert list(rendered.progress) == sorted(rendered.progress)


async def test_an_mp4_plays_everywhere():
    """H.264 of 8 bits in 4:2:0, even sides, no reordering, and the head before the pictures."""
    rendered = await render(clip_source([clip()]), ReplayRange(0, 5_000))
    assert rendered.data.index(b"moov") < rendered.data.index(b"mdat")
    with av.open(io.BytesIO(rendered.data), "r") as opened:
        codec = opened.streams.video[0].codec_context
        assert (codec.name, codec.pix_fmt, codec.profile) == ("h264", "yuv420p", "Main")
        assert not codec.has_b_frames
        assert (codec.width, codec.height) == (rendered.said.width, rendered.said.height) == SIZE
        assert (opened.duration or 0) // 1000 == 5_000


@pytest.mark.parametrize("clip_format", ClipFormat)
async def test_a_tap_is_a_ring_that_shrinks(clip_format):
    """The line of the ring is where the finger came down, for half a second and not longer."""
    source = clip_source([clip(frames=1)])
    wanted = ReplayRange(0, 3_000)
    rendered = await render(source, wanted, clip_format, gestures=(tap(1_000, 64, 128),))
    beside = (64 + 22, 128)
    assert is_near(rendered.find_pixel(1_000, beside), FINGER)
    assert is_near(rendered.find_pixel(900, beside), colour_of(0))
    assert is_near(rendered.find_pixel(1_300, beside), colour_of(0))  # it has become smaller
    assert is_near(rendered.find_pixel(1_450, (64 + 9, 128)), FINGER)
    assert is_near(rendered.find_pixel(1_500, (64 + 9, 128)), colour_of(0))
    assert len(rendered.show()) == 7


async def test_a_swipe_is_a_trail_that_ends_at_the_finger():
    """The trail follows the finger, points on, and fades from its tail."""
    source = clip_source([clip(frames=1)])
    way = [(20.0, 200.0 - 10 * number) for number in range(16)]
    rendered = await render(source, ReplayRange(0, 3_000), gestures=(swipe(1_000, way),))
    assert is_near(rendered.find_pixel(1_000, (20, 120)), colour_of(0))
    assert is_near(rendered.find_pixel(1_700, (20, 66)), FINGER)
    assert is_near(rendered.find_pixel(2_300, (20, 60)), FINGER)
    assert is_near(rendered.find_pixel(2_300, (20, 120)), colour_of(0))
    assert is_near(rendered.find_pixel(2_460, (20, 66)), colour_of(0))


async def test_a_phone_that_turns_stays_upright_in_one_clip():
    """Both pictures lie in the middle of a square; a tap belongs to the picture it was made on."""
    source = clip_source([clip(frames=1), clip(frames=1, width=256, height=128)])
    taps = (tap(1_000, 64, 128), tap(7_000, 10, 64, size=(256, 128)), tap(8_000, 64, 128))
    rendered = await render(source, ReplayRange(0, 10_000), gestures=taps)
    assert (rendered.said.width, rendered.said.height) == (256, 256)
    grey = (58, 60, 64)
    assert is_near(rendered.find_pixel(500, (10, 128)), grey)
    assert is_near(rendered.find_pixel(500, (128, 10)), colour_of(0))
    assert is_near(rendered.find_pixel(1_000, (64 + 64 + 22, 128)), FINGER)
    assert is_near(rendered.find_pixel(6_000, (128, 10)), grey)
    assert is_near(rendered.find_pixel(7_000, (10 + 22, 128)), FINGER)
    assert is_near(rendered.find_pixel(8_000, (64 + 22, 128)), colour_of(0))


async def test_a_picture_that_lies_on_its_side_is_turned():
    """The phone wrote that the video is to be turned by 90°, so the clip is."""
    store, index = clip_source([clip(frames=1, width=256, height=128)])
    turned = replace(index, configs=(replace(index.configs[0], rotation_degrees=90),))
    rendered = await render((store, turned), ReplayRange(0, 2_000), gestures=(tap(0, 64, 128),))
    assert (rendered.said.width, rendered.said.height) == SIZE
    assert is_near(rendered.find_pixel(0, (64 + 22, 128)), FINGER)


async def test_a_gap_is_cut_out_and_named():
    """A minute without video is one second of the last picture, darker, with words on it."""
    source = clip_source([clip(), clip()], starts_ms=(0, 65_000))
    rendered = await render(source, ReplayRange(0, 70_000))
    assert rendered.said.duration_ms == 11_000
    red, green, blue = rendered.find_pixel(5_500, (64, 20))
    assert red + green + blue < sum(colour_of(4)) / 2
    words = next(picture for at_ms, picture in rendered.show() if at_ms == 5_000)
    assert max(words.convert("L").crop((30, 110, 98, 146)).tobytes()) > 200
    assert is_near(rendered.find_pixel(6_100, (64, 20)), colour_of(0))


async def test_words_stand_below_the_picture():
    """Screen, time and what failed, in a bar of its own: nothing of the picture is hidden."""
    captions = ClipCaptions(
        ((0, "CartActivity"),), (CaptionEvent(2_000, "POST /pay 500", is_failure=True),)
    )
    rendered = await render(
        clip_source([clip(frames=1)]), ReplayRange(0, 5_000), captions=captions, has_body=True
    )
    assert rendered.said.width == 240
    pictures = dict(rendered.show())
    bar = (0, rendered.said.height - 39, 240, rendered.said.height)

    def count_red(at_ms: int) -> int:
        pixels: Any = pictures[at_ms].crop(bar).get_flattened_data()
        return sum(red > 180 and blue < 170 for red, _, blue in pixels)

    assert count_red(2_000) > 20
    assert count_red(0) == 0
    assert max(pictures[0].crop(bar).convert("L").tobytes()) > 120
    # Around the device it is light, its edge is black, and the picture is as it was.
    middle = rendered.said.width // 2
    column = [rendered.find_pixel(0, (middle, y)) for y in (1, 8, 60)]
    assert is_near(column[0], (232, 233, 236))
    assert is_near(column[1], (12, 12, 14))
    assert is_near(column[2], colour_of(0))


async def test_a_broken_group_is_left_out():
    """A group that ends the child becomes a gap, and the rest of the replay is rendered."""
    store, index = clip_source([clip(), clip(), clip()])
    key = index.gops[1].object_key
    store.objects[key] = bytes(len(store.objects[key]))
    rendered = await render((store, index), ReplayRange(0, 15_000))
    assert rendered.said.duration_ms == 11_000
    with pytest.raises(MalformedInput, match="no video from 0:05 to 0:10"):
        await render((store, index), ReplayRange(5_000, 10_000))


async def test_a_clip_has_a_budget_of_processor_time():
    """A clip over its budget ends with a reason for whoever asked for it, and no file."""
    with pytest.raises(MalformedInput, match="more than 0 s of processor time"):
        await render(clip_source([clip()]), ReplayRange(0, 5_000), most_cpu_s=0)


async def test_the_child_ends_with_the_clip():
    """No process is left, and the sandbox was closed before the first untrusted byte."""
    async with child.start_clip_child(most_cpu_s=10) as started:
        pid = started.pid
        status = await asyncio.to_thread(Path(f"/proc/{pid}/status").read_text, "utf-8")
    assert "Seccomp:\t2" in status
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


@pytest.mark.parametrize(
    "family", ["android-session-full-a", "android-rotation-a", "ios-session-a"]
)
async def test_a_recorded_replay_shows_the_second_that_was_drawn_into_it(family):
    """Each picture of the clip has the square of the second that was on the phone at that time."""
    videos, starts_ms, ends_ms = [], [], []
    for request in contents.requests(family):
        video = contents.video_of(request)
        if video is not None:
            [item] = [each for each in request.expect["items"] if each["type"] == "replay_video"]
            videos.append(video)
            starts_ms.append(item["starts_ms"])
            ends_ms.append(item["ends_ms"])
    source = clip_source(videos, starts_ms=starts_ms, ends_ms=ends_ms)
    rendered = await render(source, ReplayRange(0, source[1].duration_ms))
    truth = of_family(family)
    cut_ms = [(start_ms, end_ms - start_ms - 1_000) for start_ms, end_ms in truth.gaps]
    pictures = rendered.show()
    for frame, following in itertools.pairwise([*truth.frames, None]):
        assert frame is not None
        end_ms = min(
            [following.at_ms if following else truth.duration_ms]
            + [start_ms for start_ms, _ in truth.gaps if start_ms > frame.at_ms]
        )
        middle_ms = (frame.at_ms + end_ms) // 2
        clip_ms = middle_ms - sum(length for at_ms, length in cut_ms if at_ms < middle_ms)
        [*_, (_, picture)] = [each for each in pictures if each[0] <= clip_ms]
        left = (picture.width - frame.size[0]) // 2
        bottom = (picture.height + frame.size[1]) // 2
        pixel: Any = picture.getpixel((left + 16, bottom - 16))
        distances = [
            sum((a - b) ** 2 for a, b in zip(pixel, known, strict=True)) for known in PALETTE
        ]
        assert distances.index(min(distances)) == frame.colour, middle_ms
    assert rendered.said.duration_ms == source[1].duration_ms - sum(length for _, length in cut_ms)
