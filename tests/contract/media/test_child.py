"""Tests of the media process: coded pictures go in, and small pictures come out."""

import asyncio
import io
import os
import sys
from pathlib import Path

import pytest
from PIL import Image

from app.core.errors import MalformedInput, ServiceUnavailable
from app.media import child, wire
from tests.support.builders import coded_groups
from tests.support.builders.clips import clip, colour_of
from tests.support.waiting import until

ROOT = Path(__file__).resolve().parents[3]


async def _draw_strip(*groups: wire.CodedGroup) -> wire.DrawnStrip:
    async with child.start_media_child() as started:
        for group in groups:
            await started.show(group)
        return await started.draw()


def _read_colour(data: bytes, at: tuple[int, int]) -> tuple[int, int, int]:
    with Image.open(io.BytesIO(data)) as picture:
        red, green, blue = picture.convert("RGB").getpixel(at)  # type: ignore[misc]  # RGB has three
    return red, green, blue


def _is_near(colour: tuple[int, int, int], expected: tuple[int, int, int]) -> bool:
    return all(abs(a - b) < 30 for a, b in zip(colour, expected, strict=True))


async def test_tiles_show_their_moments():
    """Every picture that differs is a tile with its time, in its own cell of the sheet."""
    strip = await _draw_strip(*coded_groups.groups(clip(frames=5)))
    assert [tile.at_ms for tile in strip.tiles] == [0, 1000, 2000, 3000, 4000]
    assert (strip.cell_width, strip.cell_height) == (120, 240)
    for number in range(5):
        middle = (number * strip.cell_width + 60, 120)
        assert _is_near(_read_colour(strip.sheets[0], middle), colour_of(number))
    assert strip.preview_tiles == 5


async def test_the_poster_is_the_marked_picture():
    """The poster shows the marked moment, larger than a tile."""
    strip = await _draw_strip(
        *coded_groups.groups(clip(frames=4, width=256, height=512), poster_ms=2000)
    )
    assert (strip.poster_width, strip.poster_height) == (180, 360)
    assert _is_near(_read_colour(strip.poster, (90, 180)), colour_of(2))


async def test_reordered_pictures_keep_their_times():
    """Each tile of a video with B-frames has the time at which its picture is shown."""
    strip = await _draw_strip(*coded_groups.groups(clip(frames=8, b_frames=2, keyframe_every=8)))
    for number in range(8):
        middle = (number * strip.cell_width + 60, 120)
        assert _is_near(_read_colour(strip.sheets[0], middle), colour_of(number))


async def test_portrait_and_landscape_pictures_share_sheets():
    """The cells of a replay that turns fit both shapes, and a turned picture is upright."""
    wide = coded_groups.groups(clip(width=256, height=128), start_ms=5000)
    turned = [wire.CodedGroup(group.config, 1, group.samples) for group in wide]
    landscape = coded_groups.groups(clip(width=256, height=128), start_ms=10_000)
    strip = await _draw_strip(*coded_groups.groups(clip()), *turned, *landscape)
    sizes = {(tile.width, tile.height) for tile in strip.tiles}
    assert sizes == {(120, 240), (240, 120)}
    assert (strip.cell_width, strip.cell_height) == (240, 240)


async def test_invalid_pictures_end_one_process_only():
    """Invalid pictures end the media process, and the next process works."""
    config = coded_groups.groups(clip())[0].config
    invalid_group = wire.CodedGroup(
        config, 0, (wire.CodedSample(0, wire.WANTED, b"\0\0\0\5abcde"),)
    )
    with pytest.raises(MalformedInput, match="gave up"):
        await _draw_strip(invalid_group)
    assert (await _draw_strip(*coded_groups.groups(clip()))).tiles


async def test_a_strip_of_no_pictures_ends_the_process():
    """Without a picture there is nothing to draw, and the process ends."""
    with pytest.raises(MalformedInput, match="gave up"):
        await _draw_strip()


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
async def test_a_screenshot_is_drawn_again(kind):
    """A screenshot comes back as a new WebP, without bytes hidden after its pixels."""
    file = io.BytesIO()
    picture = Image.new("RGB", (400, 3200), (200, 30, 60))
    picture.save(file, kind)
    async with child.start_media_child() as started:
        still = await started.redraw(file.getvalue() + b"<script>alert(1)</script>")
    assert (still.width, still.height) == (200, 1600)
    assert b"script" not in still.data
    assert _is_near(_read_colour(still.data, (100, 800)), (200, 30, 60))


async def test_a_poster_is_drawn_as_jpeg_for_messages():
    """A WebP comes back as a JPEG of the same picture, its alpha left out."""
    file = io.BytesIO()
    Image.new("RGBA", (200, 400), (200, 30, 60, 255)).save(file, "WEBP")
    async with child.start_media_child() as started:
        photo = await started.redraw_as_jpeg(file.getvalue())
    assert photo.data.startswith(b"\xff\xd8\xff")
    assert (photo.width, photo.height) == (200, 400)
    assert _is_near(_read_colour(photo.data, (100, 200)), (200, 30, 60))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"GIF89a" + bytes(40),
        b"\x89PNG\r\n\x1a\n" + b"\xff" * 100,
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
    ],
)
async def test_other_formats_and_broken_files_end_the_process(data):
    """Other formats and broken files end the media process."""
    async with child.start_media_child() as started:
        with pytest.raises(MalformedInput, match="gave up"):
            await started.redraw(data)


async def test_a_picture_too_large_to_decode_is_refused():
    """A small file that claims to be a huge picture is refused before it is decoded."""
    bomb = io.BytesIO()
    Image.new("1", (20_000, 20_000)).save(bomb, "PNG")
    async with child.start_media_child() as started:
        with pytest.raises(MalformedInput, match="gave up"):
            await started.redraw(bomb.getvalue())


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (("/nowhere/python",), "cannot be started"),
        ((sys.executable, "-c", "raise SystemExit('libav is missing')"), "libav is missing"),
    ],
)
async def test_a_process_that_does_not_start_says_why(command, words):
    """A broken installation makes the service unavailable, with the last line it printed."""
    with pytest.raises(ServiceUnavailable, match=words):
        async with child.start_media_child(command=command):
            pass


async def test_the_media_process_does_not_outlive_its_server():
    """A server that is killed leaves no media process behind."""
    parent = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _PARENT, stdout=asyncio.subprocess.PIPE, cwd=ROOT
    )
    assert parent.stdout is not None
    pid = int(await parent.stdout.readline())
    os.kill(pid, 0)
    parent.kill()
    await parent.wait()
    await until(lambda: not _is_alive(pid))


def _is_alive(pid: int) -> bool:
    """Tell whether a process runs; a zombie does not count."""
    try:
        return ") Z " not in Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False


_PARENT = """
import asyncio
from app.media import child

async def main():
    async with child.start_media_child() as started:
        print(started.pid, flush=True)
        await asyncio.Event().wait()

asyncio.run(main())
"""
