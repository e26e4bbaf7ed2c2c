"""Sets interpreter and allocator up for a server, whose process lives for months."""

import ctypes
import gc
import sys
from typing import Final

_COLLECT_AT: Final = (20_000, 10, 10)
"""Objects made before the garbage collector looks at the young ones, and how often at older ones.
Digest holds thousands until its batch is stored; at 700, looking at them costs a segment 100 us."""
_SWITCH_S: Final = 0.001
"""How long a thread waits for another that computes. The journal's needs the interpreter three
times for a write, and answers wait for it; Python's own 5 ms is as long as a turn of digest."""
_M_MMAP_THRESHOLD: Final = -3
_MAPPED_BYTES: Final = 4 * 1024 * 1024


def tune_interpreter() -> None:
    """Let the garbage collector leave what is loaded by now alone, and threads take turns."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_COLLECT_AT)
    sys.setswitchinterval(_SWITCH_S)


def return_freed_memory() -> None:
    """Let the allocator give what was freed back to the system.

    glibc raises the size from which it maps a block by itself to 32 MiB, and what it keeps to twice
    that, once such blocks were freed. Then large bodies leave holes in its arenas for good: 292 MB
    stayed after the bombs of tests/hostile had come twice, and 134 MB with a fixed size, which also
    keeps it from raising the other. A size of 1 MiB frees no more and costs bodies of 1.5 MB half
    as much again, in page faults.

    Source: mallopt(3).
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:  # glibc's alone
        mallopt(_M_MMAP_THRESHOLD, _MAPPED_BYTES)
