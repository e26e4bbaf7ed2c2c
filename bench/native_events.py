# ruff: noqa: INP001, T201 - a script, run by its path
"""Measures the child that reads native debug files: making a symcache, and looking addresses up.

Run: python bench/native_events.py [--mb 220] [FILE]
Without a FILE it compiles one with g++ and objcopy. Prints the time and the memory that making its
symcache takes, the time of a first event, which starts a child, and that of an event of 30 frames
after it.
"""

import argparse
import asyncio
import os
import random
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Final

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import psutil

from app.core.clock import monotonic_s
from app.symbolicator.child import NativeDeriver
from app.symbolicator.finder import AddressFinder, Symcache
from app.symbolicator.wire import AddressQuestion, DebugObject
from bench.debug_uploads import build_elf

_MIB: Final = 1024 * 1024
_FRAMES: Final = 30
_EVENTS: Final = 200
_PROBE_S: Final = 0.02


async def measure(library: Path, folder: Path) -> None:
    """Measure one debug file, and print the figures."""
    source = os.open(library, os.O_RDONLY)
    target = os.open(folder / "symcache", os.O_RDWR | os.O_CREAT | os.O_TRUNC)
    peak = asyncio.create_task(_watch_children())
    size_mb = os.fstat(source).st_size / 1e6
    began_s = monotonic_s()
    item = (await NativeDeriver(folder / "lock").derive(source, target))[0]
    took_s = monotonic_s() - began_s
    peak.cancel()
    print(
        f"symcache: {size_mb:.0f} MB → {item.size_bytes / 1e6:.0f} MB "
        f"in {took_s:.1f} s, the child took {_Peak.rss / _MIB:.0f} MiB of memory"
    )
    await _measure_events(item, target)


async def _measure_events(item: DebugObject, symcache: int) -> None:
    dice = random.Random(1)  # noqa: S311 - the same addresses in every run
    finder = AddressFinder()
    took_ms = []
    for _ in range(_EVENTS):
        questions = [
            AddressQuestion(0, dice.randrange(0x1000, item.size_bytes), 0, "caller")
            for _ in range(_FRAMES)
        ]
        began_s = monotonic_s()
        await finder.look_up(1, [Symcache(symcache, item.size_bytes)], questions)
        took_ms.append((monotonic_s() - began_s) * 1_000)
    await finder.close()
    first_ms, others_ms = took_ms[0], took_ms[1:]
    print(
        f"{_FRAMES} frames: first event {first_ms:.0f} ms with the start of the child, others "
        f"{statistics.median(others_ms):.2f} ms in the median, "
        f"{statistics.quantiles(others_ms, n=100)[98]:.1f} ms at p99"
    )


class _Peak:
    rss = 0


async def _watch_children() -> None:
    """Note the most memory that a child of this process has."""
    while True:
        for child in psutil.Process().children():
            _Peak.rss = max(_Peak.rss, child.memory_info().rss)
        await asyncio.sleep(_PROBE_S)


def main() -> None:
    """Measure what the command line names."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", nargs="?", type=Path)
    parser.add_argument("--mb", type=int, default=220)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        library = arguments.file or build_elf(folder, arguments.mb)
        asyncio.run(measure(library, folder))


if __name__ == "__main__":
    main()
