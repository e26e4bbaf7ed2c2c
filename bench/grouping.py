# ruff: noqa: INP001 - a script, run by its path
"""Measures what grouping one event costs: 30 frames, for the platforms that send most.

Run: python bench/grouping.py [--rounds N]
Prints microseconds of CPU for each event: names seen before, and names never seen.
"""

import argparse
import sys
import time
from pathlib import Path
from typing import Any, Final

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from app.issues.grouping import names, rules

_FRAMES: Final = 30


def event(platform: str, number: int) -> dict[str, Any]:
    """Build an error with 30 frames, a third of them foreign; `number` makes its names its own."""
    frames = [
        {
            "module": f"com.example.shop{number}.checkout.Cart{place}$$Lambda$14",
            "function": f"lambda$pay{place}$7"
            if platform == "java"
            else f"Cart{place}.pay(_: Int)",
            "filename": "Cart.kt",
            "lineno": 40 + place,
            "in_app": place % 3 != 0,
            "context_line": "    total = sum(line.price for line in self.lines)",
        }
        for place in range(_FRAMES)
    ]
    value = {"type": "PaymentException", "value": "order 1042 failed: HTTP 500"}
    return {
        "platform": platform,
        "exception": {"values": [{**value, "stacktrace": {"frames": frames}}]},
    }


def main() -> None:
    """Measure each platform."""
    parser = argparse.ArgumentParser(description="Measure grouping.")
    parser.add_argument("--rounds", type=int, default=2_000)
    rounds: int = parser.parse_args().rounds
    for platform in ("java", "python", "cocoa"):
        known = [event(platform, 0)] * rounds
        fresh = [event(platform, number) for number in range(1, rounds // 10)]
        line = f"{platform:8} known {_us(known):6.1f} us   new {_us(fresh):6.1f} us"
        sys.stdout.write(f"{line}\n")
        names.clean_function_name.cache_clear()


def _us(events: list[dict[str, Any]]) -> float:
    started = time.process_time()
    for event in events:
        rules.read_issue_keys(event)
    return (time.process_time() - started) * 1_000_000 / len(events)


if __name__ == "__main__":
    main()
