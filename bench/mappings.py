# ruff: noqa: INP001 - a script, run by its path
"""Measures R8 mappings: indexing one of 50 MB, and retracing events with 30 frames.

Run: python bench/mappings.py [--classes N]
Prints the seconds and the memory of an upload, and the milliseconds of events: the first one, which
inflates the blocks of its classes, and others whose blocks were read before.
"""

import argparse
import random
import resource
import statistics
import sys
import tempfile
import time
from mmap import ACCESS_READ, mmap
from pathlib import Path
from typing import Any, Final

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from app.formats.debug_files.mapping.index import index_mapping
from app.formats.debug_files.mapping.reader import MappingReader
from app.symbolication.jvm.retrace import JvmRetracer
from tests.support.builders import mappings

_FRAMES: Final = 30
_EVENTS: Final = 200
_MIB: Final = 1024 * 1024


def main() -> None:
    """Build a mapping, index it, and retrace events."""
    parser = argparse.ArgumentParser(description="Measure mappings of R8.")
    parser.add_argument("--classes", type=int, default=12_500)
    classes: int = parser.parse_args().classes
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder, "mapping.txt"), Path(folder, "mapping.index")
        with source.open("w") as text:
            text.writelines(mappings.build_mapping(classes))
        _measure_index(source, target)
        with target.open("rb") as file, mmap(file.fileno(), 0, access=ACCESS_READ) as data:
            _measure_events(data, classes)


def _measure_index(source: Path, target: Path) -> None:
    memory_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    started_s, cpu_s = time.perf_counter(), time.process_time()
    with source.open("rb") as mapping, target.open("wb") as indexed:
        facts = index_mapping(mapping, indexed)
    took_s, cpu_s = time.perf_counter() - started_s, time.process_time() - cpu_s
    added_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - memory_kib
    _print(
        f"index   {facts.size_bytes / _MIB:.1f} MiB, {facts.classes} classes: {took_s:.2f} s"
        f" ({cpu_s:.2f} s of CPU), +{added_kib / 1024:.0f} MiB of memory,"
        f" {target.stat().st_size / _MIB:.1f} MiB stored"
    )


def _measure_events(data: mmap, classes: int) -> None:
    numbers = random.Random(1)  # noqa: S311 - the same stacks in every run
    stack = _make_stack(numbers, classes)
    _print(f"event   first: {_measure_event(MappingReader(data), stack):.2f} ms")
    reader = MappingReader(data)
    _measure_event(reader, stack)
    again = [_measure_event(reader, stack) for _ in range(_EVENTS)]
    _print(f"event   same stack: {_describe(again)}")
    others = [_measure_event(reader, _make_stack(numbers, classes)) for _ in range(_EVENTS)]
    _print(f"event   other stacks: {_describe(others)}")


def _make_stack(numbers: random.Random, classes: int) -> list[dict[str, Any]]:
    """Make a stack whose frames are in as many classes."""
    return [
        {
            "module": mappings.name_obfuscated_class(numbers.randrange(classes)),
            "function": numbers.choice("abcde"),
            "filename": "SourceFile",
            "lineno": numbers.randint(1, 6),
        }
        for _ in range(_FRAMES)
    ]


def _measure_event(reader: MappingReader, stack: list[dict[str, Any]]) -> float:
    started_s = time.perf_counter()
    retracer = JvmRetracer([reader], ("com.acme",))
    retracer.retrace_frames(stack, lambda _frame: True, "java.lang.IllegalStateException")
    return (time.perf_counter() - started_s) * 1_000


def _describe(times_ms: list[float]) -> str:
    ordered = sorted(times_ms)
    p99_ms = ordered[-len(ordered) // 100 - 1]
    return f"median {statistics.median(ordered):.2f} ms, p99 {p99_ms:.2f} ms"


def _print(line: str) -> None:
    sys.stdout.write(f"{line}\n")


if __name__ == "__main__":
    main()
