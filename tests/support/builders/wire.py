"""Ids, times and JSON that every builder of test traffic shares."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

Json = dict[str, Any]

MISSING: Final = object()
"""As a change: leave the member out."""

KEY: Final = "9d3f5c7e1b2a4866a0c4e2f8d6b19375"
REPLAY_ID: Final = "5b1c0f4e9a7d4c3e8f20716d3b9a4c55"
TRACE_ID: Final = "0af76519b9174b2d8c6e4f1029384756"
SPAN_ID: Final = "7f3c2a1b5d6e8f90"
EVENT_ID: Final = "a81c2b6f0d5e4937bc60f1e2d3c4b5a6"
STARTED_MS: Final = 1_786_000_000_000
"""When the replay of every builder begins: 2026-08-06T07:06:40Z."""
SEGMENT_MS: Final = 5_000


def compact(value: object) -> bytes:
    """Write JSON without blanks, as SDKs do."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode("utf-8")


def iso(at_ms: int) -> str:
    """Write a time as Android does: `2026-08-06T07:06:40.000Z`."""
    at = datetime.fromtimestamp(at_ms / 1000, UTC)
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def changed(value: Json, changes: Mapping[str, Any]) -> Json:
    """Replace members of an object; `MISSING` removes one."""
    return {name: each for name, each in (value | dict(changes)).items() if each is not MISSING}
