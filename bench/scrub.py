# ruff: noqa: INP001 - a script, run by its path
"""Measures what scrubbing costs: recordings of about 100 kB, clean and not, and one event.

Run: python bench/scrub.py [--rounds N]
Prints the median and the worst of N rounds in milliseconds for each case, and whether the clean
recording keeps its budget of 1.5 ms. Then for texts that are dense with names and values, the best
of three rounds in seconds of CPU for each megabyte.
"""

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from app.scrub import walk
from app.scrub.places import PayloadKind

_BUDGET_MS: Final = 1.5
_TARGET_BYTES: Final = 100_000
_START_MS: Final = 1_786_000_000_000
_DENSE: Final = (
    "cookie: a\n", "key=x&", "password=a&", "token: abc\n", "page=3&", "6 6", "4111-", "+49 ",
    "1.2.3.4 ", "jo@example.org ",
)  # fmt: skip
_DENSE_BYTES: Final = 1_000_000


def recording(*, secret_every: int | None = None) -> list[dict[str, Any]]:
    """Build a recording of about 100 kB with the mix of events a phone sends."""
    events: list[dict[str, Any]] = [_event(4, 0, {"href": "", "height": 896, "width": 416})]
    size, number = 0, 0
    while size < _TARGET_BYTES:
        number += 1
        event = _mixed(number, is_secret=bool(secret_every and number % secret_every == 0))
        events.append(event)
        size += len(json.dumps(event, separators=(",", ":")))
    return events


def _mixed(number: int, *, is_secret: bool) -> dict[str, Any]:
    at_ms = number * 40
    match number % 4:
        case 0:
            touch = {"source": 2, "type": 7, "id": 0, "x": 179.1999969482422, "y": 480.0}
            return _event(3, at_ms, touch)
        case 1:
            url = f"https://api.example.net/v1/items?page={number}&sort=price"
            url += "&token=4f9d8a7b6c5e" if is_secret else ""
            payload = {
                "op": "resource.http",
                "description": url,
                "startTimestamp": (_START_MS + at_ms) / 1000,
                "endTimestamp": (_START_MS + at_ms + 240) / 1000,
                "data": {"method": "GET", "statusCode": 200, "responseBodySize": 1840},
            }
            return _event(5, at_ms, {"tag": "performanceSpan", "payload": payload})
        case 2:
            tap = {"view.class": "com.google.android.material.button.MaterialButton"}
            return _crumb(at_ms, "ui.tap", f"btn_add_{number}", {**tap, "view.id": "btn_add"})
        case _:
            text = f"cart: {number} items, total is up to date"
            text += " for jane.doe@example.com" if is_secret else ""
            return _crumb(at_ms, "console", text, {"logger": "console"})


def _crumb(at_ms: int, category: str, message: str, data: dict[str, Any]) -> dict[str, Any]:
    payload = {
        "type": "default",
        "timestamp": (_START_MS + at_ms) / 1000,
        "category": category,
        "message": message,
        "data": data,
    }
    return _event(5, at_ms, {"tag": "breadcrumb", "payload": payload})


def _event(kind: int, at_ms: int, data: dict[str, Any]) -> dict[str, Any]:
    return {"type": kind, "timestamp": _START_MS + at_ms, "data": data}


def event(frames: int = 40) -> dict[str, Any]:
    """Build an error event with a user, breadcrumbs, frames and variables."""
    frame = {
        "filename": "app/cart.py",
        "function": "pay",
        "lineno": 12,
        "context_line": "    total = sum(item.price for item in items)",
        "vars": {"items": "[<Item 1>, <Item 2>]", "password": "hunter2", "total": "46.8"},
    }
    return {
        "event_id": "696f50e33d134c46bd2ef7b045a560f4",
        "user": {"id": "u-1042", "email": "ada@example.com"},
        "breadcrumbs": [{"category": "ui.tap", "message": f"btn_{n}"} for n in range(100)],
        "exception": {
            "values": [{"type": "E", "value": "no", "stacktrace": {"frames": [frame] * frames}}]
        },
    }


def measure(work: Callable[[], object], rounds: int) -> tuple[float, float]:
    """Return the median and the worst time of one call, in milliseconds."""
    work()
    times = []
    for _ in range(rounds):
        begun = time.perf_counter_ns()
        work()
        times.append((time.perf_counter_ns() - begun) / 1e6)
    return statistics.median(times), max(times)


def seconds_of(piece: str) -> float:
    """Return the CPU time that a megabyte of a repeated piece takes, in seconds."""
    event = {"message": piece * (_DENSE_BYTES // len(piece))}
    times = []
    for _ in range(3):
        begun = time.process_time()
        walk.scrub_json(event, kind=PayloadKind.EVENT)
        times.append(time.process_time() - begun)
    return min(times)


def main() -> None:
    """Measure every case and every text, and print one line for each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=200)
    rounds = parser.parse_args().rounds
    clean, some, many = recording(), recording(secret_every=25), recording(secret_every=1)
    raw = json.dumps([e for e in clean if e["type"] != 3]).encode()  # noqa: PLR2004 - rrweb touches
    assert walk.scrub_recording(clean).value is clean  # noqa: S101 - a bench of the wrong thing lies
    assert walk.is_clean(raw)  # noqa: S101 - as above
    sample_event = event()
    cases: dict[str, Callable[[], object]] = {
        f"recording, clean, {len(clean)} events": lambda: walk.scrub_recording(clean),
        "recording, a secret in every 25th event": lambda: walk.scrub_recording(some),
        "recording, a secret in every event": lambda: walk.scrub_recording(many),
        f"raw JSON, clean, {len(raw)} bytes": lambda: walk.is_clean(raw),
        f"event with a secret in each of 40 frames, {len(json.dumps(sample_event))} bytes": (
            lambda: walk.scrub_json(sample_event, kind=PayloadKind.EVENT)
        ),
    }
    for name, work in cases.items():
        median, worst = measure(work, rounds)
        sys.stdout.write(f"{median:8.3f} ms median {worst:8.3f} ms worst  {name}\n")
    median, _ = measure(cases[next(iter(cases))], rounds)
    sys.stdout.write(f"budget {_BUDGET_MS} ms: {'kept' if median <= _BUDGET_MS else 'BROKEN'}\n")
    for piece in _DENSE:
        sys.stdout.write(f"{seconds_of(piece):8.2f} s/MB  {piece!r} all over\n")


if __name__ == "__main__":
    main()
