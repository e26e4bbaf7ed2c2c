"""H3: broken videos go through the box reader and, if they pass it, the media process."""

import io
import random
from collections import Counter
from collections.abc import AsyncIterator

from PIL import Image

from app.core.errors import MalformedInput, RequestRefused
from app.media import child
from tests.support import programme_size
from tests.support.builders import coded_groups
from tests.support.builders.clips import clip


def _encode_picture(kind: str) -> bytes:
    target = io.BytesIO()
    Image.effect_mandelbrot((64, 96), (-2, -1.5, 1, 1.5), 40).convert("RGB").save(target, kind)
    return target.getvalue()


COUNT = programme_size.rounds(ci=300, nightly=10_000)
WHOLE = (
    clip(),
    clip(frames=3, moov_first=True),
    clip(frames=6, keyframe_every=2),
    clip(b_frames=2, frames=8),
)
PICTURES = tuple(_encode_picture(kind) for kind in ("PNG", "JPEG", "WEBP"))
SPLICES = (b"\xff\xff\xff\xff", b"\0\0\0\0", b"\x7f\xff\xff\xff", b"\0\0\0\1", b"avcC", b"moov")


def break_video(dice: random.Random) -> bytes:
    """Break one video in one to eight places, in its boxes or in its media data."""
    data = bytearray(dice.choice(WHOLE))
    media_offset = data.find(b"mdat")
    for _ in range(dice.randint(1, 8)):
        low, high = dice.choice(
            [(0, len(data)), (media_offset, len(data)), (media_offset + 4, media_offset + 400)]
        )
        offset = dice.randrange(low, min(high, len(data)))
        match dice.randrange(4):
            case 0:
                data[offset] = dice.randrange(256)
            case 1:
                data[offset] ^= 1 << dice.randrange(8)
            case 2:
                data[offset : offset + 4] = dice.choice(SPLICES)
            case _:
                start = dice.randrange(len(data))
                data[offset : offset + 16] = data[start : start + 16]
    return bytes(data)


def _break_picture(picture: bytes, dice: random.Random) -> bytes:
    """Break one picture in one to eight places."""
    data = bytearray(picture)
    for _ in range(dice.randint(1, 8)):
        offset = dice.randrange(len(data))
        match dice.randrange(3):
            case 0:
                data[offset] = dice.randrange(256)
            case 1:
                data[offset : offset + 4] = dice.choice(SPLICES)
            case _:
                del data[offset:]
                data = data or bytearray(b"\0")
    return bytes(data)


async def test_broken_pictures_end_media_processes_only(report):
    """A broken picture is drawn or ends a media process that made no forbidden call."""
    dice = programme_size.seeded_dice("H3 pictures")
    ends: Counter[str] = Counter()
    for _ in range(programme_size.rounds(ci=12, nightly=2_000)):
        async with child.start_media_child() as started:
            try:
                await started.redraw(_break_picture(dice.choice(PICTURES), dice))
            except MalformedInput as error:
                ends[str(error)] += 1
            else:
                ends["drawn"] += 1
    ended = ends.pop("the decoder gave up on it", 0)
    report.facts = {"ended_a_child": ended, **ends}
    assert set(ends) <= {"drawn"}


async def _show_videos(videos: list[bytes]) -> AsyncIterator[str]:
    """Show videos to one media process until it ends, and yield the result of each."""
    async with child.start_media_child() as started:
        assert started.is_filtered
        while videos:
            start_ms = 100_000 * (COUNT - len(videos))
            try:
                groups = coded_groups.groups(videos.pop(), start_ms=start_ms)
            except RequestRefused:
                yield "refused"
                continue
            try:
                for group in groups:
                    await started.show(group)
            except MalformedInput as error:
                yield str(error)
                return
            yield "decoded"
        await started.draw()


async def test_broken_videos_end_media_processes_only(report):
    """A broken video is refused, decoded or ends a process that made no forbidden call."""
    dice = programme_size.seeded_dice("H3")
    videos = [break_video(dice) for _ in range(COUNT)]
    ends: Counter[str] = Counter()
    while videos:
        async for end in _show_videos(videos):
            ends[end] += 1
    ended = ends.pop("the decoder gave up on it", 0)
    report.facts = {"clips": COUNT, "ended_a_child": ended, **ends}
    assert ends.total() + ended == COUNT
    assert set(ends) <= {"refused", "decoded"}
