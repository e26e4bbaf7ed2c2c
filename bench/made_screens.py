# ruff: noqa: INP001 - beside scripts that are run by their paths
"""Makes a replay of screens that scroll and change, and watches the child that decodes it.

Screens of 448 by 960, one picture a second, segments of five seconds with one keyframe each, as
Android sends them.
"""

import asyncio
import os
import re
import resource
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

from PIL import Image, ImageDraw

from app.formats.stored import video_layout
from app.formats.video import mp4
from app.media import encode
from app.replays.model import PlayableSegment
from app.storage.disk.local import LocalStore

SIZE_PX: Final = (448, 960)
SEGMENT_S: Final = 5
_SCREENS: Final = 12
_HIGHEST: Final = re.compile(r"^VmHWM:\s+(\d+) kB", re.MULTILINE)


async def make_segments(store: LocalStore, minutes: int) -> list[PlayableSegment]:
    """Put the videos of a replay into a store, and return its segments."""
    videos = list(_encode_screens())
    placed = []
    for number in range(minutes * 60 // SEGMENT_S):
        video = videos[number % len(videos)]
        name = f"v/{number % len(videos)}"
        if number < len(videos):
            await store.put(name, video)
        start_ms = number * SEGMENT_S * 1000
        packed = video_layout.pack_layout(mp4.read_video(memoryview(video)))
        placed.append(
            PlayableSegment(
                number, start_ms, start_ms + SEGMENT_S * 1000, name, 0, len(video), packed
            )
        )
    return placed


async def watch_memory(most_kib: list[int]) -> None:
    """Follow the most memory that a child has used since it began its own program."""
    children = Path(f"/proc/self/task/{os.getpid()}/children")
    while True:
        for pid in children.read_text().split():  # noqa: ASYNC240 - not a disk
            with suppress(OSError):
                status = Path(f"/proc/{pid}/status").read_text()  # noqa: ASYNC240 - as above
                if "Name:\tpython" in status and (found := _HIGHEST.search(status)):
                    most_kib[0] = max(most_kib[0], int(found[1]))
        await asyncio.sleep(0.005)


def read_child_cpu_s() -> float:
    """Return the processor time of all children that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _encode_screens() -> Iterator[bytes]:
    """Encode one segment of each screen: a list that scrolls, then stands still."""
    for number in range(_SCREENS):
        frames = []
        for second in range(SEGMENT_S):
            picture = Image.new("RGB", SIZE_PX, (246, 248, 250))
            pen = ImageDraw.Draw(picture)
            top = 90 - min(second, 2) * 130
            for row in range(14):
                colour = (number * 53 % 256, row * 17 % 256, (number * 31 + row * 71) % 256)
                pen.rectangle((24, top + row * 120, 120, top + row * 120 + 96), fill=colour)
                pen.text((140, top + row * 120 + 30), f"Screen {number}, thing {row}", fill="black")
            pen.rectangle((0, 0, 448, 64), fill=(number * 20, 90, 200))
            frames.append(picture)
        yield encode.encode_video(frames).data
