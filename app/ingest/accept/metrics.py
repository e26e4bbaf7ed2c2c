"""What accepting envelopes counts for `/metrics`; the door registers it there."""

from dataclasses import dataclass, field
from typing import Final

from prometheus_client import Counter, Histogram

_BOUNDS_S: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
_ACCEPTED: Final = "Envelopes that were answered with 200: they are on disk."
_ANSWERED: Final = "Time from the whole request to the answer of an accepted envelope."


def _new_counter() -> Counter:
    return Counter("playhead_envelopes_accepted", _ACCEPTED, registry=None)


def _new_histogram() -> Histogram:
    name = "playhead_envelope_answer_seconds"
    return Histogram(name, _ANSWERED, buckets=_BOUNDS_S, registry=None)


@dataclass(frozen=True, slots=True)
class AcceptMetrics:
    """Counts of one process; they take 1 us of an envelope's time."""

    accepted: Counter = field(default_factory=_new_counter)
    answer_s: Histogram = field(default_factory=_new_histogram)

    def count_answer(self, waited_s: float) -> None:
        """Count an envelope that is answered now."""
        self.accepted.inc()
        self.answer_s.observe(waited_s)
