# ruff: noqa: INP001 - a script, run by its path
"""Measures the rendering of clips: ten seconds in each format, and a whole replay as one MP4.

    python bench/clips.py --minutes 60

The replay is made up (`made_screens.py`), with a tap every five seconds and a swipe every half
minute; the whole has taps, a caption and a device. Prints one line of JSON a clip; processor time
and memory are those of the clip child.
"""

import argparse
import asyncio
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))


from app.core.replay.clip_format import ClipFormat
from app.core.replay.replay_range import ReplayRange
from app.playback.clips.captions import CaptionEvent, ClipCaptions
from app.playback.clips.render import ClipRenderer, ClipSettings
from app.playback.recording.gestures import Gesture, TouchPoint
from app.playback.video.index import PlaybackIndex, build_index
from app.storage.disk.local import LocalStore
from bench import made_screens

_TAP_EVERY_MS: Final = 5_000
_SWIPE_EVERY_MS: Final = 30_000
_SCREEN_EVERY_MS: Final = 20_000
_MOST_CPU_S: Final = 3_600


def _make_gestures(duration_ms: int) -> tuple[Gesture, ...]:
    size = made_screens.SIZE_PX
    taps = [
        Gesture("tap", 0, size, (TouchPoint(at, 200, 300), TouchPoint(at + 80, 200, 300)))
        for at in range(1_200, duration_ms, _TAP_EVERY_MS)
    ]
    swipes = [
        Gesture(
            "swipe",
            0,
            size,
            tuple(TouchPoint(at + step * 30, 220, 800 - step * 40) for step in range(12)),
        )
        for at in range(13_000, duration_ms, _SWIPE_EVERY_MS)
    ]
    return tuple(sorted(taps + swipes, key=lambda gesture: gesture.start_ms))


def _make_captions(duration_ms: int) -> ClipCaptions:
    times = range(0, duration_ms, _SCREEN_EVERY_MS)
    return ClipCaptions(
        tuple((at, f"Screen {at // 1000}") for at in times),
        tuple(CaptionEvent(at + 7_000, f"POST /things/{at} 500", is_failure=True) for at in times),
    )


async def _measure(
    store: LocalStore, index: PlaybackIndex, settings: ClipSettings
) -> dict[str, object]:
    memory = [0]
    watching = asyncio.create_task(made_screens.watch_memory(memory))

    async def note_progress(_part: float) -> None:
        return

    renderer = ClipRenderer(
        store, index, settings, most_cpu_s=_MOST_CPU_S, note_progress=note_progress
    )
    began_s, used_s = time.perf_counter(), made_screens.read_child_cpu_s()
    with tempfile.TemporaryFile() as target:
        rendered = await renderer.render(target.fileno())
    spent_ms = round((time.perf_counter() - began_s) * 1000)
    watching.cancel()
    return {
        "format": settings.format.value,
        "range_s": settings.range.length_ms // 1000,
        "ms": spent_ms,
        "cpu_ms": round((made_screens.read_child_cpu_s() - used_s) * 1000),
        "mib": memory[0] // 1024,
        "bytes": rendered.size_bytes,
        "size_px": [rendered.width, rendered.height],
    }


async def _measure_all(folder: Path, minutes: int) -> None:
    store = LocalStore(folder, threads=4)
    index = build_index(await made_screens.make_segments(store, minutes))
    gestures = _make_gestures(index.duration_ms)
    captions = _make_captions(index.duration_ms)
    middle_ms = index.duration_ms // 2
    ten_s = ReplayRange(middle_ms, middle_ms + 10_000)
    wanted = [ClipSettings(each, ten_s, gestures, None, has_body=False) for each in ClipFormat]
    whole = ReplayRange(0, index.duration_ms)
    wanted.append(ClipSettings(ClipFormat.MP4, whole, gestures, captions, has_body=True))
    for settings in wanted:
        print(json.dumps(await _measure(store, index, settings)), flush=True)  # noqa: T201
    await store.close()


def main() -> None:
    """Measure once and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=int, default=60)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(_measure_all(Path(folder), arguments.minutes))


if __name__ == "__main__":
    main()
