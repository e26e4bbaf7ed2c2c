"""The server process is configured to run for months, as far as the system supports it."""

import ctypes
import gc
import sys
from types import SimpleNamespace

from app.core.running import runtime


def test_large_blocks_are_mapped_by_glibc(monkeypatch):
    """Glibc gets a fixed size; another C library has no such setting."""
    options: list[tuple[int, int]] = []
    library = SimpleNamespace(mallopt=lambda *option: options.append(option))
    monkeypatch.setattr(ctypes, "CDLL", lambda _name: library)
    runtime.return_freed_memory()
    assert options == [(-3, 4 * 1024 * 1024)]
    monkeypatch.setattr(ctypes, "CDLL", lambda _name: SimpleNamespace())
    runtime.return_freed_memory()


def test_loaded_objects_are_not_collected(monkeypatch):
    """The garbage collector skips them, and looks at new objects less often than by default."""
    before = (gc.get_threshold(), sys.getswitchinterval())
    monkeypatch.setattr(gc, "freeze", lambda: None)
    try:
        runtime.tune_interpreter()
        assert gc.get_threshold()[0] == 20_000
        assert sys.getswitchinterval() < before[1]
    finally:
        gc.set_threshold(*before[0])
        sys.setswitchinterval(before[1])
