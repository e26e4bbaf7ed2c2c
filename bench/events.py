# ruff: noqa: INP001 - a script, run by its path
"""Measures what digest takes to read one error: scrubbed, grouped, packed; nothing stored.

Run: python bench/events.py [--rounds N]
Prints microseconds of CPU for an event of each size, by what is known of it: the problem with all
its words, the stack alone, nothing; breadcrumbs are never remembered. What else the machine does
only ever adds, so the round that cost least counts.
"""

import argparse
import sys
import time
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Final

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from app.core import clock, units
from app.core.ids import ProjectId
from app.formats.wire.envelope import EnvelopeHeader, EnvelopeItem
from app.ingest.items.context import EnvelopeContext
from app.ingest.items.events import quick_event
from app.scrub.rules import DEFAULT_RULES
from bench.ingest import material
from bench.ingest.envelopes import ERROR_KB
from tests.support.builders import payloads
from tests.support.builders.wire import SPAN_ID, TRACE_ID, compact

_EVENTS: Final = 50
_NUMBER: Final = count(100_000)
_WORDS: Final = b"Fragment already"
_MODULE: Final = b"net.example.shop"


def event(size_kb: int) -> bytes:
    """Return an error as a phone sends it."""
    contexts = material.make_contexts({"trace_id": TRACE_ID, "span_id": SPAN_ID})
    return compact(
        payloads.event(
            contexts=contexts, **material.make_error_members(size_kb * 1024, seed=size_kb)
        )
    )


def copies(text: bytes) -> Iterator[bytes]:
    """Repeat an event, each time in other memory."""
    while True:
        yield bytes(bytearray(text))


def renewed(text: bytes, part: bytes) -> Iterator[bytes]:
    """Repeat an event with another number in some of its words each time."""
    while True:
        yield text.replace(part, b"%b%d" % (part, next(_NUMBER)))


def measure(texts: Iterator[bytes], rounds: int) -> float:
    """Return the microseconds that reading an event takes."""
    at = units.at_from_ms(clock.now_ms())
    context = EnvelopeContext(ProjectId(1), at, 0, None, EnvelopeHeader(), DEFAULT_RULES)
    best_s = float("inf")
    for _ in range(rounds):
        some = [(EnvelopeItem("event", memoryview(next(texts))), context) for _ in range(_EVENTS)]
        begun_s = time.thread_time()
        quick_event.try_read_events(some)
        best_s = min(best_s, time.thread_time() - begun_s)
    return best_s * 1e6 / _EVENTS


def main() -> None:
    """Measure each size."""
    parser = argparse.ArgumentParser(description="Measure reading errors.")
    parser.add_argument("--rounds", type=int, default=20)
    rounds: int = parser.parse_args().rounds
    for size_kb in ERROR_KB:
        text = event(size_kb)
        kinds = {
            "known": copies(text),
            "new words": renewed(text, _WORDS),
            "all new": renewed(text, _MODULE),
        }
        figures = [f"{name} {measure(texts, rounds):6.1f} us" for name, texts in kinds.items()]
        sys.stdout.write(f"{len(text):7} bytes   {'   '.join(figures)}\n")


if __name__ == "__main__":
    main()
