# ruff: noqa: INP001 - a script, run by its path
"""Measures the drawing of small pictures: one poster alone, and all pictures of an hour.

    python bench/pictures.py --minutes 60

The replay is made up (`made_screens.py`). Prints one line of JSON; processor time and memory are
those of the media child.
"""

import argparse
import asyncio
import json
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))


from app.media.wire import DrawnStrip
from app.playback.pictures.draw import draw_strip
from app.playback.video import index
from app.replays.model import PlayableSegment
from app.storage.disk.local import LocalStore
from bench import made_screens


@dataclass(frozen=True, slots=True)
class _Drawn:
    strip: DrawnStrip
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
    watching = asyncio.create_task(made_screens.watch_memory(memory))
    began_s, used_s = time.perf_counter(), made_screens.read_child_cpu_s()
    strip = await draw_strip(store, built, built.duration_ms // 2)
    spent_ms = round((time.perf_counter() - began_s) * 1000)
    watching.cancel()
    return _Drawn(
        strip, spent_ms, round((made_screens.read_child_cpu_s() - used_s) * 1000), memory[0] // 1024
    )


async def _measure(folder: Path, minutes: int) -> dict[str, int]:
    store = LocalStore(folder, threads=4)
    placed = await made_screens.make_segments(store, minutes)
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
