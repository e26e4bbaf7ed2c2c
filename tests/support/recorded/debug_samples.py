"""Reads the debug files and events in `tests/samples/symbolication`; its README describes them."""

import json
import lzma
from functools import cache
from pathlib import Path
from typing import Any, Final

DEBUG_SAMPLES: Final = Path(__file__).resolve().parents[2] / "samples" / "symbolication"
"""Folder of the samples; only those in `hostile` may be packed."""


def read_debug_sample(name: str) -> bytes:
    """Read one file as it is uploaded.

    Args:
        name: Its path below the folder, such as `hostile/map-deep.map`, without `.xz`.
    """
    path = DEBUG_SAMPLES / name
    if path.exists():
        return path.read_bytes()
    return lzma.decompress(path.with_name(path.name + ".xz").read_bytes())


def load_sample_event(folder: str, name: str = "event.json") -> dict[str, Any]:
    """Load the event of a folder as an SDK sends it; each call gives a new one."""
    event: dict[str, Any] = json.loads(read_debug_sample(f"{folder}/{name}"))
    return event


def load_expectation(folder: str) -> dict[str, Any]:
    """Load what must come out for the event of a folder."""
    expectation: dict[str, Any] = json.loads(read_debug_sample(f"{folder}/expect.json"))
    return expectation


@cache
def hostile_cases() -> tuple[dict[str, Any], ...]:
    """Return the cases of hostile files: `file`, `kind`, `why`, `bytes`, `expect`."""
    return tuple(json.loads(read_debug_sample("hostile/cases.json"))["cases"])
