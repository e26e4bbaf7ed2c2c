"""A server's process is set up for months; where the system lacks something, it goes without."""

import ctypes
import gc
import sys
from types import SimpleNamespace

from app.core import runtime


def test_large_blocks_are_mapped_where_the_allocator_is_asked(monkeypatch):
    """A fixed size is told to glibc; another C library has nothing to be told."""
    told: list[tuple[int, int]] = []
    library = SimpleNamespace(mallopt=lambda *option: told.append(option))
    monkeypatch.setattr(ctypes, "CDLL", lambda _name: library)
    runtime.return_freed_memory()
    assert told == [(-3, 4 * 1024 * 1024)]
    monkeypatch.setattr(ctypes, "CDLL", lambda _name: SimpleNamespace())
    runtime.return_freed_memory()


def test_what_is_loaded_is_left_alone(monkeypatch):
    """The collector looks at it no more, and at new objects less often than it would."""
    before = (gc.get_threshold(), sys.getswitchinterval())
    monkeypatch.setattr(gc, "freeze", lambda: None)
    try:
        runtime.tune_interpreter()
        assert gc.get_threshold()[0] == 20_000
        assert sys.getswitchinterval() < before[1]
    finally:
        gc.set_threshold(*before[0])
        sys.setswitchinterval(before[1])
