"""Metrics of accepting envelopes; `api/health.py` registers them for `/metrics`."""

from dataclasses import dataclass, field
from typing import Final

from prometheus_client import Counter, Histogram

_BOUNDS_S: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
_ACCEPTED: Final = "Envelopes that were answered with 200: they are on disk."
_ANSWERED: Final = "Time from the whole request to the answer of an accepted envelope."


def _make_counter() -> Counter:
    return Counter("playhead_envelopes_accepted", _ACCEPTED, registry=None)


def _make_histogram() -> Histogram:
    name = "playhead_envelope_answer_seconds"
    return Histogram(name, _ANSWERED, buckets=_BOUNDS_S, registry=None)


@dataclass(frozen=True, slots=True)
class AcceptMetrics:
    """The counts of one process; counting an envelope takes 1 us."""

    accepted: Counter = field(default_factory=_make_counter)
    answer_s: Histogram = field(default_factory=_make_histogram)

    def count_answer(self, waited_s: float) -> None:
        """Count an envelope that is answered now, and how long its sender waited."""
        self.accepted.inc()
        self.answer_s.observe(waited_s)
