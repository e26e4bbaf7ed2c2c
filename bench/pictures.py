# ruff: noqa: INP001 - a script, run by its path
"""Measures the drawing of small pictures: one poster alone, and all pictures of an hour.

    python bench/pictures.py --minutes 60

The replay is made up: screens of 448 by 960 that scroll and change, one picture a second, segments
of five seconds with one keyframe each, as Android sends them. Prints one line of JSON; processor
time and memory are those of the media child.
"""

import argparse
import asyncio
import json
import os
import re
import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from PIL import Image, ImageDraw

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from app.formats.stored import video_layout
from app.formats.video import mp4
from app.media import encode
from app.media.wire import Strip
from app.playback.pictures.draw import draw_strip
from app.playback.video import index
from app.replays.model import PlayableSegment
from app.storage.local import LocalStore

_SIZE_PX: Final = (448, 960)
_SEGMENT_S: Final = 5
_SCREENS: Final = 12
_HIGHEST: Final = re.compile(r"^VmHWM:\s+(\d+) kB", re.MULTILINE)


def _segments() -> Iterator[bytes]:
    """Encode one segment of each screen: a list that scrolls, then stands still."""
    for number in range(_SCREENS):
        frames = []
        for second in range(_SEGMENT_S):
            picture = Image.new("RGB", _SIZE_PX, (246, 248, 250))
            pen = ImageDraw.Draw(picture)
            top = 90 - min(second, 2) * 130
            for row in range(14):
                colour = (number * 53 % 256, row * 17 % 256, (number * 31 + row * 71) % 256)
                pen.rectangle((24, top + row * 120, 120, top + row * 120 + 96), fill=colour)
                pen.text((140, top + row * 120 + 30), f"Screen {number}, thing {row}", fill="black")
            pen.rectangle((0, 0, 448, 64), fill=(number * 20, 90, 200))
            frames.append(picture)
        yield encode.encode_video(frames).data


@dataclass(frozen=True, slots=True)
class _Drawn:
    strip: Strip
    spent_ms: int
    cpu_ms: int
    memory_mib: int

    def told(self, name: str) -> dict[str, int]:
        """Say what it took."""
        return {
            f"{name}_ms": self.spent_ms,
            f"{name}_cpu_ms": self.cpu_ms,
            f"{name}_mib": self.memory_mib,
        }


async def _draw(store: LocalStore, segments: list[PlayableSegment]) -> _Drawn:
    built = index.build_index(segments)
    memory = [0]
    watching = asyncio.create_task(_watch_memory(memory))
    began_s, used_s = time.perf_counter(), _child_cpu_s()
    strip = await draw_strip(store, built, built.duration_ms // 2)
    spent_ms = round((time.perf_counter() - began_s) * 1000)
    watching.cancel()
    return _Drawn(strip, spent_ms, round((_child_cpu_s() - used_s) * 1000), memory[0] // 1024)


async def _watch_memory(most_kib: list[int]) -> None:
    """Follow the most memory that a child has used since it began its own program."""
    children = Path(f"/proc/self/task/{os.getpid()}/children")
    while True:
        for pid in children.read_text().split():  # noqa: ASYNC240 - not a disk
            with suppress(OSError):
                status = Path(f"/proc/{pid}/status").read_text()  # noqa: ASYNC240 - as above
                if "Name:\tpython" in status and (found := _HIGHEST.search(status)):
                    most_kib[0] = max(most_kib[0], int(found[1]))
        await asyncio.sleep(0.005)


def _child_cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


async def _measure(folder: Path, minutes: int) -> dict[str, int]:
    videos = list(_segments())
    store = LocalStore(folder, threads=4)
    placed = []
    for number in range(minutes * 60 // _SEGMENT_S):
        video = videos[number % len(videos)]
        name = f"v/{number % len(videos)}"
        if number < len(videos):
            await store.put(name, video)
        start_ms = number * _SEGMENT_S * 1000
        packed = video_layout.pack_layout(mp4.read_video(memoryview(video)))
        placed.append(
            PlayableSegment(
                number, start_ms, start_ms + _SEGMENT_S * 1000, name, 0, len(video), packed
            )
        )
    poster, whole = await _draw(store, placed[:1]), await _draw(store, placed)
    await store.close()
    strip = whole.strip
    return {
        "minutes": minutes,
        **poster.told("poster"),
        "poster_bytes": len(poster.strip.poster),
        **whole.told("all"),
        "all_bytes": len(strip.poster) + len(strip.preview) + sum(map(len, strip.sheets)),
        "tiles": len(strip.tiles),
        "sheets": len(strip.sheets),
    }


def main() -> None:
    """Measure once and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=int, default=60)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        print(json.dumps(asyncio.run(_measure(Path(folder), arguments.minutes))))  # noqa: T201


if __name__ == "__main__":
    main()
