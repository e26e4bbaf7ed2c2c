"""Metrics of digest; `api/metrics.py` registers them for `/metrics`."""

from collections import Counter as Counts
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final, Literal

from prometheus_client import Counter, Histogram
from prometheus_client.registry import Collector

from app.core import tracing
from app.core.clock import monotonic_s
from app.ingest.outcome_names import KNOWN_NAMES, OTHER
from app.projects.model import Outcome, OutcomeKey

DigestStep = Literal["prepare", "symbolicate", "store"]

_BOUNDS_S: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
_LAG_BOUNDS_S: Final = (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 1_800.0, 7_200.0)
_BOUNDS_ENVELOPES: Final = (1, 2, 4, 8, 16, 32, 64, 128, 256)


class DigestMetrics:
    """The counts of one process. Nothing here is counted by envelope, so it costs them nothing."""

    def __init__(self) -> None:
        """Begin at zero."""
        self._batch_s: Final = Histogram(
            "playhead_digest_batch_seconds",
            "Time to turn a batch of envelopes into rows and objects, outages included.",
            buckets=_BOUNDS_S,
            registry=None,
        )
        self._step_s: Final = Histogram(
            "playhead_digest_step_seconds",
            "Time of the steps of a batch: reading and scrubbing it, and storing it.",
            ["step"],
            buckets=_BOUNDS_S,
            registry=None,
        )
        self._lag_s: Final = Histogram(
            "playhead_digest_lag_seconds",
            "Time from the receipt of the oldest envelope of a batch until the batch was stored.",
            buckets=_LAG_BOUNDS_S,
            registry=None,
        )
        self._envelopes: Final = Histogram(
            "playhead_digest_batch_envelopes",
            "Envelopes in a batch; its sum is the number of envelopes digested.",
            buckets=_BOUNDS_ENVELOPES,
            registry=None,
        )
        self._items: Final = Counter(
            "playhead_items",
            "Items by type, outcome and reason, as the page of the project shows them.",
            ["type", "outcome", "reason"],
            registry=None,
        )
        for step in ("prepare", "store"):
            self._step_s.labels(step)

    @property
    def collectors(self) -> tuple[Collector, ...]:
        """All metrics, to be registered."""
        return self._batch_s, self._step_s, self._lag_s, self._envelopes, self._items

    @contextmanager
    def time_step(self, step: DigestStep) -> Iterator[None]:
        """Measure a step of a batch, also one that fails."""
        with self._step_s.labels(step).time(), tracing.span(f"digest {step}"):
            yield

    def count_batch(self, *, began_s: float, lag_s: float, envelopes: int) -> None:
        """Count a batch that is stored now.

        Args:
            began_s: The time at which it was taken up, by `monotonic_s`.
            lag_s: The time since its oldest envelope was received.
            envelopes: The number of its envelopes.
        """
        self._batch_s.observe(monotonic_s() - began_s)
        self._lag_s.observe(max(0.0, lag_s))
        self._envelopes.observe(envelopes)

    def count_items(self, outcomes: Mapping[OutcomeKey, int]) -> None:
        """Count outcomes that are stored; projects and days are added up.

        Names that senders have made up count as `other`, so that they cannot make up series.
        """
        counts: Counts[tuple[str, str, str]] = Counts()
        for key, quantity in outcomes.items():
            reason = key.reason
            if key.outcome == Outcome.DROPPED_BY_SDK:
                reason = _limit_name(reason)
            counts[_limit_name(key.item_type), key.outcome, reason] += quantity
        for labels, quantity in counts.items():
            self._items.labels(*labels).inc(quantity)


def _limit_name(name: str) -> str:
    return name if name in KNOWN_NAMES else OTHER
