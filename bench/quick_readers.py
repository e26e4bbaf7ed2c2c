# ruff: noqa: INP001 - a script, run by its path
"""Measures what each quick reader and each cache saves digest in reading one envelope.

Run: python bench/quick_readers.py [--mix replay] [--rounds N]
Prints microseconds of CPU for an envelope with all quick readers, and how many more it takes when
one of them leaves every input to the plain reader. Both are measured in turn, and the median of the
differences counts. Reading, scrubbing and compressing are measured; nothing is stored.
"""

import argparse
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final
from unittest import mock

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from app.core import clock
from app.core.bounded_cache import BoundedCache
from app.core.ids import ProjectId, PublicKey
from app.core.limits import LIMITS
from app.formats.video.header_cache import MovieHeaderCache
from app.formats.wire import encoding, envelope
from app.ingest.digest import prepare
from app.ingest.items.events import problem_cache, quick_event
from app.ingest.items.item_type import PreparedBatch
from app.ingest.items.segments import quick_recording, quick_replay_event
from app.ingest.items.spans import quick_transaction
from app.ingest.queue import AcceptedEnvelope
from app.projects.privacy_rules import DEFAULT_PRIVACY
from bench.ingest import envelopes

_BATCH: Final = 40


def _read_none(*_arguments: object, **_options: object) -> None:
    """Leave one input to the plain reader."""


def _read_none_of(inputs: Sequence[object], *_further: object) -> list[None]:
    """Leave all inputs to the plain reader."""
    return [None] * len(inputs)


def _empty_cache() -> BoundedCache[Any, Any]:
    """Return a cache that remembers nothing."""
    return BoundedCache(0)


READERS: Final[dict[str, tuple[tuple[Any, str, Callable[[], Any]], ...]]] = {
    "segments/quick_recording": ((quick_recording, "try_read_recordings", lambda: _read_none_of),),
    "segments/quick_replay_event": (
        (quick_replay_event, "try_read_replay_event", lambda: _read_none),
    ),
    "video/header_cache": ((MovieHeaderCache, "find", lambda: _read_none),),
    "events/quick_event": ((quick_event, "try_read_events", lambda: _read_none_of),),
    "events/quick_event: known members": ((quick_event, "_known_members", _empty_cache),),
    "events/problem_cache": (
        (problem_cache, "_problems", _empty_cache),
        (problem_cache, "_stacks", _empty_cache),
    ),
    "events/problem_cache: problems only": ((problem_cache, "_problems", _empty_cache),),
    "spans/quick_transaction": (
        (quick_transaction, "try_read_transactions", lambda: _read_none_of),
    ),
}
"""The functions to replace so that a reader reads nothing, and a cache finds nothing."""


@contextmanager
def without(reader: str) -> Iterator[None]:
    """Switch a quick reader or a cache off."""
    patches = [mock.patch.object(holder, name, make()) for holder, name, make in READERS[reader]]
    for patch in patches:
        patch.start()
    try:
        yield
    finally:
        for patch in patches:
            patch.stop()


def make_batch(stream: envelopes.EnvelopeStream) -> list[AcceptedEnvelope]:
    """Make a batch of envelopes as digest takes them from the queue."""
    batch = []
    for number in range(_BATCH):
        body = encoding.inflate(stream.next(), "gzip", limit_bytes=LIMITS.inflated_bytes)
        batch.append(
            AcceptedEnvelope(
                seq=number,
                project_id=ProjectId(1),
                key=PublicKey("k"),
                received_ms=clock.now_ms(),
                client_ip=None,
                envelope=envelope.split_envelope(body),
                body=body,
                is_key_known=True,
            )
        )
    return batch


def measure(batch: Sequence[AcceptedEnvelope]) -> float:
    """Return the CPU microseconds that one envelope of a batch takes."""
    begun_s = time.thread_time()
    prepared = PreparedBatch()
    received = [
        pair
        for accepted in batch
        for pair in prepare.open_envelope(accepted, DEFAULT_PRIVACY, prepared, is_full=False)
    ]
    prepare.prepare_items(received, prepared)
    return (time.thread_time() - begun_s) * 1e6 / len(batch)


def compare(stream: envelopes.EnvelopeStream, reader: str, rounds: int) -> float:
    """Return how many microseconds more an envelope takes without a reader."""
    differences_us: list[float] = []
    for number in range(rounds):
        with_us = without_us = 0.0
        for is_off in (number % 2 == 0, number % 2 == 1):
            batch = make_batch(stream)
            if is_off:
                with without(reader):
                    without_us = measure(batch)
            else:
                with_us = measure(batch)
        differences_us.append(without_us - with_us)
    return statistics.median(differences_us)


def main() -> None:
    """Measure each reader with each kind of envelope."""
    parser = argparse.ArgumentParser(description="Measure what quick readers save.")
    parser.add_argument("--mix", default="replay,error,transaction", help="kinds of envelopes")
    parser.add_argument("--rounds", type=int, default=21)
    options = parser.parse_args()
    for kind in options.mix.split(","):
        stream = envelopes.EnvelopeStream(envelopes.make_corpus([kind]), {kind: 1})
        all_us = statistics.median([measure(make_batch(stream)) for _ in range(options.rounds)])
        sys.stdout.write(f"{kind}: {all_us:.0f} us with all quick readers\n")
        for reader in READERS:
            saved_us = compare(stream, reader, options.rounds)
            sys.stdout.write(f"    {reader:36} saves {saved_us:8.1f} us\n")


if __name__ == "__main__":
    main()
