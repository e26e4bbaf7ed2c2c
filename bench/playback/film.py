"""Makes a replay of an hour in which every frame shows its number, as a phone would send it.

Across the top of each frame lie 16 black or white fields: its number in binary. Segments of 5 s,
a keyframe every 6 frames; a turned phone from minute 20 to 25, gaps of 30 s and of 5 min, a segment
that never comes, a third of the segments with uneven frame times.
"""

import io
import random
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Final

import av
from PIL import Image, ImageDraw

FIELDS: Final = 16
_SECOND: Final = 1000
_SEGMENT_MS: Final = 5 * _SECOND
_MINUTE_MS: Final = 60 * _SECOND
_PORTRAIT: Final = (448, 960)
_TURNED_MS: Final = (20 * _MINUTE_MS, 25 * _MINUTE_MS)
_GAPS_MS: Final = {10 * _MINUTE_MS: 30 * _SECOND, 40 * _MINUTE_MS: 5 * _MINUTE_MS}
_MISSING: Final = 360
_KEY_EVERY: Final = 6


@dataclass(frozen=True, slots=True)
class Segment:
    """One piece: what the phone says of it, and its video."""

    number: int
    start_ms: int
    duration_ms: int
    size: tuple[int, int]
    times_ms: tuple[int, ...]
    first_frame: int
    video: bytes = b""


def film(minutes: int) -> list[Segment]:
    """Make the segments of a replay, on all cores; one number is left out."""
    with ProcessPoolExecutor() as pool:
        return list(pool.map(_filmed, _script(minutes), chunksize=8))


def _script(minutes: int) -> Iterator[Segment]:
    """Say what each segment shows; the videos are still to be made."""
    dice = random.Random(7)  # noqa: S311 - no secret
    at_ms, frame = 0, 0
    for number in range(minutes * _MINUTE_MS // _SEGMENT_MS):
        at_ms += next((gap for start, gap in _GAPS_MS.items() if start == number * _SEGMENT_MS), 0)
        is_turned = _TURNED_MS[0] <= number * _SEGMENT_MS < _TURNED_MS[1]
        size = (_PORTRAIT[1], _PORTRAIT[0]) if is_turned else _PORTRAIT
        times = [n * _SECOND for n in range(5)]
        if number % 3 == 1:
            times = [0, *sorted(dice.sample(range(200, 4800, 100), 4))]
        if number != _MISSING:
            yield Segment(number, at_ms, _SEGMENT_MS, size, tuple(times), frame)
            frame += len(times)
        at_ms += _SEGMENT_MS


def _filmed(segment: Segment) -> Segment:
    video = _video(segment.times_ms, segment.size, segment.first_frame)
    return replace(segment, video=video)


def _video(times_ms: tuple[int, ...], size: tuple[int, int], first_frame: int) -> bytes:
    target = io.BytesIO()
    with av.open(target, "w", format="mp4") as output:
        stream = output.add_stream("libx264", rate=1)
        stream.width, stream.height = size
        stream.pix_fmt = "yuv420p"
        stream.codec_context.time_base = Fraction(1, _SECOND)
        stream.options = {"preset": "superfast", "profile": "baseline", "crf": "24", "threads": "1",
                          "x264-params": f"keyint={_KEY_EVERY}:scenecut=0"}  # fmt: skip
        for number, time_ms in enumerate(times_ms):
            drawn = _picture(first_frame + number, size)
            picture = av.VideoFrame.from_image(drawn)  # type: ignore[no-untyped-call]  # av has no type
            picture.pts, picture.time_base = time_ms, Fraction(1, _SECOND)
            output.mux(stream.encode(picture))
        output.mux(stream.encode(None))
    return target.getvalue()


def _picture(frame: int, size: tuple[int, int]) -> Image.Image:
    """Draw a made-up screen that changes a little from frame to frame, with its number on top."""
    width, height = size
    image = Image.new("RGB", size, (244, 246, 250))
    draw = ImageDraw.Draw(image)
    dice = random.Random(frame // 9)  # noqa: S311 - no secret
    for row in range(64, height - 40, 72):
        left = 16 + (frame * 5 + row) % 24
        colour = tuple(dice.randrange(60, 230) for _ in range(3))
        draw.rectangle((left, row, left + 56, row + 56), fill=colour)
        for line in range(3):
            draw.rectangle(
                (
                    left + 72,
                    row + 6 + line * 16,
                    left + 72 + dice.randrange(60, 260),
                    row + 15 + line * 16,
                ),
                fill=(90, 96, 110),
            )
    field = width / FIELDS
    for bit in range(FIELDS):
        shade = (255, 255, 255) if frame >> (FIELDS - 1 - bit) & 1 else (0, 0, 0)
        draw.rectangle((bit * field, 0, (bit + 1) * field - 1, 40), fill=shade)
    return image
