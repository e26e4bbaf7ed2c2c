"""Configures interpreter and allocator for a server process that runs for months."""

import ctypes
import gc
import sys
from typing import Final

_COLLECT_AT: Final = (20_000, 10, 10)
"""Thresholds of the garbage collector: new objects before it scans the youngest generation, and
how often it scans older ones. Digest holds thousands of objects until its batch is stored; with
Python's 700, scanning them costs 100 us for each segment."""
_SWITCH_S: Final = 0.001
"""Time after which a computing thread lets another one run. The journal's thread needs the
interpreter three times for a write, and answers wait for it; Python's 5 ms would be too long."""
_M_MMAP_THRESHOLD: Final = -3
_MAPPED_BYTES: Final = 4 * 1024 * 1024


def tune_interpreter() -> None:
    """Exempt loaded objects from garbage collection, and let threads switch more often."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_COLLECT_AT)
    sys.setswitchinterval(_SWITCH_S)


def return_freed_memory() -> None:
    """Let the allocator return freed memory to the system.

    glibc maps large blocks separately. Once such blocks are freed, it raises their minimum size up
    to 32 MiB, and keeps twice as much freed memory. Then large bodies leave permanent holes in its
    arenas: after the bodies of tests/hostile came twice, the process held 292 MB, and 134 MB with a
    fixed minimum size, which also prevents the other increase. With 1 MiB it frees no more, and
    bodies of 1.5 MB cost half as much again in page faults.

    Source: mallopt(3).
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:  # Only glibc has it.
        mallopt(_M_MMAP_THRESHOLD, _MAPPED_BYTES)
