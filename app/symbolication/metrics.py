"""Metrics of symbolication; `monitoring.py` registers them."""

from typing import Final, Literal

from prometheus_client import Counter
from prometheus_client.registry import Collector

SymbolicationResult = Literal["clear", "unchanged", "pending", "failed"]


class SymbolicationMetrics:
    """Metrics of the events that this process has symbolicated."""

    def __init__(self) -> None:
        """Make all metrics, beginning at zero."""
        self._events: Final = Counter(
            "playhead_symbolicated_events",
            "Events that name debug files, by what became of them.",
            ["result"],
            registry=None,
        )
        self._spent_s: Final = Counter(
            "playhead_symbolication_seconds",
            "Time spent on making stacks readable, waiting for files included.",
            registry=None,
        )
        self._written: Final = Counter(
            "playhead_symbolicated_again_events",
            "Stored events that were written anew, by whether they went to another issue.",
            ["moved"],
            registry=None,
        )

    @property
    def collectors(self) -> tuple[Collector, ...]:
        """All metrics, to be registered."""
        return self._events, self._spent_s, self._written

    def count_event(self, result: SymbolicationResult) -> None:
        """Count an event; `failed` counts each family that failed for one, besides its result."""
        self._events.labels(result).inc()

    def count_time(self, spent_s: float) -> None:
        """Count seconds by the clock."""
        self._spent_s.inc(spent_s)

    def count_written(self, events: int, *, moved: int) -> None:
        """Count stored events that were written anew, and those of them that moved."""
        self._written.labels("yes").inc(moved)
        self._written.labels("no").inc(events - moved)
