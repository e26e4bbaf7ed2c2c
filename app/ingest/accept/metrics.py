"""Metrics of accepting envelopes; `api/metrics.py` registers them for `/metrics`."""

from typing import Final, get_args

from prometheus_client import Counter, Histogram
from prometheus_client.registry import Collector

from app.journal.entry import RequestKind

_BOUNDS_S: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
_BOUNDS_BYTES: Final = tuple(4.0**power for power in range(5, 14))
"""From 1 KiB to 64 MiB."""


class AcceptMetrics:
    """The counts of one process; counting an envelope takes 2 us."""

    def __init__(self) -> None:
        """Begin at zero."""
        self.accepted: Final = Counter(
            "playhead_envelopes_accepted",
            "Envelopes that were answered with 200: they are on disk.",
            registry=None,
        )
        self._answer_s: Final = Histogram(
            "playhead_envelope_answer_seconds",
            "Time from the whole request to the answer of an accepted envelope.",
            ["kind"],
            buckets=_BOUNDS_S,
            registry=None,
        )
        self._size_bytes: Final = Histogram(
            "playhead_envelope_size_bytes",
            "Size of accepted bodies as they were sent, which is mostly compressed.",
            ["kind"],
            buckets=_BOUNDS_BYTES,
            registry=None,
        )
        kinds: tuple[RequestKind, ...] = get_args(RequestKind)
        # Looked up once, since `labels` takes longer than counting.
        self._series: Final = {
            kind: (self._answer_s.labels(kind), self._size_bytes.labels(kind)) for kind in kinds
        }

    @property
    def collectors(self) -> tuple[Collector, ...]:
        """All metrics, to be registered."""
        return self.accepted, self._answer_s, self._size_bytes

    def count_accepted(self) -> int:
        """Return how many envelopes were accepted since the start."""
        (accepted,) = self.accepted.collect()
        return int(next(each.value for each in accepted.samples if each.name.endswith("_total")))

    def count_answer(self, kind: RequestKind, waited_s: float, size_bytes: int) -> None:
        """Count an envelope that is answered now.

        Args:
            kind: The kind of its request.
            waited_s: The seconds for which its sender waited.
            size_bytes: The size of its body, as it was sent.
        """
        self.accepted.inc()
        answer_s, size = self._series[kind]
        answer_s.observe(waited_s)
        size.observe(size_bytes)
