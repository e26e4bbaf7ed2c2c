# ruff: noqa: INP001 - a script, run by its path
"""Measures what the limits cost an envelope that meets none: `python bench/quotas.py [--rounds N]`.

Prints the median of N rounds in microseconds, for one key and for a thousand, an envelope of one
segment each.
"""

import argparse
import statistics
import sys
import time
from pathlib import Path
from typing import Final

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from app.core.ids import ProjectId, PublicKey
from app.formats.wire.envelope import EnvelopeItem
from app.ingest.admission.quotas import Quotas
from app.ingest.admission.token_buckets import SenderLimits

_CALLS: Final = 50_000
_SEGMENT: Final = (EnvelopeItem("replay_video", memoryview(b"")),)


def measure(keys: int) -> float:
    """Return the microseconds of one envelope, the keys taking turns."""
    rates = SenderLimits(envelopes_per_s=1e9, envelopes=1e9, bytes_per_s=1e15, size_bytes=1e15)
    quotas = Quotas(rates, rates)
    names = [PublicKey(f"{number:032x}") for number in range(keys)]
    turns = [names[call % keys] for call in range(_CALLS)]
    project = ProjectId(1)
    began_s = time.process_time()
    for key in turns:
        quotas.admit(project, key, _SEGMENT, 94_000)
    return (time.process_time() - began_s) / _CALLS * 1e6


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    rounds = parser.parse_args().rounds
    for keys in (1, 1_000):
        cost_us = statistics.median(measure(keys) for _ in range(rounds))
        sys.stdout.write(f"{keys:>5} keys: {cost_us:.2f} us an envelope\n")


if __name__ == "__main__":
    main()
