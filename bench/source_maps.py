# ruff: noqa: INP001 - a script, run by its path
"""Measures source maps: packing a bundle as large as that of a React Native app, and its events.

Run: python bench/source_maps.py [--sources N] [--map FILE --script FILE]
Prints the seconds and the memory of an upload, and the milliseconds of events with 30 frames: the
first one, which inflates its blocks, others, and the same stack again.
"""

import argparse
import io
import json
import random
import resource
import statistics
import sys
import time
from pathlib import Path
from typing import Any, Final

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from app.formats.debug_files.packed.bundle_packing import pack_bundle
from app.formats.debug_files.packed.packed_bundle import PackedBundle
from app.symbolication.javascript.frames import OpenScript, map_frames
from tests.support.builders.source_maps import bundle, describe_entry, source_map, write_mappings

_FRAMES: Final = 30
_EVENTS: Final = 100
_MIB: Final = 1024 * 1024
_URL: Final = "app:///index.android.bundle"
_SCRIPT: Final = "files/_/_/index.android.bundle"
_HERMES_BYTES: Final = 1_500_000
"""Bytecode of an app, whose offsets are the columns."""
_LINES: Final = 200
_FUNCTION: Final = "function f%d(a){return a?g(a):h(a)}"


def main() -> None:
    """Build or read a script and its map, pack them, and map events."""
    parser = argparse.ArgumentParser(description="Measure source maps.")
    parser.add_argument("--sources", type=int, default=950)
    parser.add_argument("--map", type=Path)
    parser.add_argument("--script", type=Path)
    options = parser.parse_args()
    if options.map is None:
        script, text = _build_map(options.sources)
    else:
        script = options.script.read_bytes() if options.script else b""
        text = options.map.read_bytes()
    packed = _measure_packing(script, text)
    lines = script.count(b"\n") + 1
    _measure_events(packed, lines, len(script) // lines or _HERMES_BYTES)


def _build_map(sources: int) -> tuple[bytes, bytes]:
    """Build a script of one line with a function for each line of its sources."""
    mappings: list[tuple[int, int, int | None, int, int, int | None]] = []
    pieces: list[str] = []
    column = 0
    for number in range(sources * _LINES):
        source, line = divmod(number, _LINES)
        pieces.append(_FUNCTION % number)
        named = [(0, None), (9, number % 20_000), (20, None), (29, None), (31, None)]
        mappings += [(0, column + at, source, line, at, name) for at, name in named]
        column += len(pieces[-1])
    whole = source_map(
        sources=[f"/ci/shop/src/{number}.js" for number in range(sources)],
        sourcesContent=["function load(account) { }\n" * _LINES] * sources,
        names=[f"load{number}" for number in range(20_000)],
        mappings=write_mappings(mappings),
    )
    return "".join(pieces).encode(), json.dumps(whole).encode()


def _measure_packing(script: bytes, text: bytes) -> bytes:
    entry = describe_entry(_SCRIPT, sourcemap="index.android.bundle.map")
    data = bundle({_SCRIPT: script, f"{_SCRIPT}.map": text}, {_SCRIPT: entry})
    target = io.BytesIO()
    memory_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    started_s, cpu_s = time.perf_counter(), time.process_time()
    facts = pack_bundle(io.BytesIO(data), target)
    took_s, cpu_s = time.perf_counter() - started_s, time.process_time() - cpu_s
    added_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - memory_kib
    _print(
        f"pack    script {len(script) / _MIB:.1f} MiB, map {len(text) / _MIB:.1f} MiB:"
        f" {took_s:.2f} s ({cpu_s:.2f} s of CPU), +{added_kib / 1024:.0f} MiB of memory,"
        f" {facts.packed_bytes / _MIB:.1f} MiB stored"
    )
    return target.getvalue()


def _measure_events(packed: bytes, lines: int, columns: int) -> None:
    numbers = random.Random(1)  # noqa: S311 - the same stacks in every run
    stack = _make_stack(numbers, lines, columns)
    _print(f"event   first: {_measure_event(PackedBundle(packed), stack):.2f} ms")
    reader = PackedBundle(packed)
    _measure_event(reader, stack)
    others = [_measure_event(reader, _make_stack(numbers, lines, columns)) for _ in range(_EVENTS)]
    _print(f"event   other stacks: {_describe(others)}")
    again = [_measure_event(reader, stack) for _ in range(_EVENTS)]
    _print(f"event   same stack: {_describe(again)}")


def _make_stack(numbers: random.Random, lines: int, columns: int) -> list[dict[str, Any]]:
    """Make a stack whose frames lie anywhere in the script."""
    return [
        {
            "filename": _URL,
            "function": "f",
            "lineno": numbers.randint(1, lines),
            "colno": numbers.randint(1, columns),
        }
        for _ in range(_FRAMES)
    ]


def _measure_event(reader: PackedBundle, stack: list[dict[str, Any]]) -> float:
    """Return the milliseconds of CPU that an event takes."""
    started_s = time.process_time()
    script = reader.find_script_by_url("~/index.android.bundle")
    if script is None:
        raise SystemExit("the bundle does not have its script")
    map_frames(
        stack,
        {_URL: OpenScript(reader, script, is_at_its_url=True)},
        read_url=lambda frame: frame["filename"],
        check_time=lambda: None,
    )
    return (time.process_time() - started_s) * 1_000


def _describe(times_ms: list[float]) -> str:
    return f"median {statistics.median(times_ms):.2f} ms, highest {max(times_ms):.2f} ms"


def _print(line: str) -> None:
    sys.stdout.write(f"{line}\n")


if __name__ == "__main__":
    main()
