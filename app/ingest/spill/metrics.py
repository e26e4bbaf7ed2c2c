"""Metrics of spilling and of adopting over the bucket; `monitoring.py` registers them."""

from collections.abc import Callable
from typing import Final

from prometheus_client import Counter, Gauge
from prometheus_client.registry import Collector


class SpillMetrics:
    """Metrics of what a process spills. Nothing is counted while digest keeps up."""

    def __init__(self, count_files: Callable[[], int]) -> None:
        """Begin at zero; `count_files` tells how many files are in the bucket now."""
        self._waiting: Final = Gauge(
            "playhead_spilled_files",
            "Files of this process's journal that are in the bucket now.",
            registry=None,
        )
        self._waiting.set_function(count_files)
        self._size_bytes: Final = Counter(
            "playhead_spilled_bytes", "Bytes that were spilled into the bucket.", registry=None
        )
        self._failures: Final = Counter(
            "playhead_spill_failures",
            "Times that the bucket did not take or delete a spilled file.",
            registry=None,
        )

    @property
    def collectors(self) -> tuple[Collector, ...]:
        """All metrics, to be registered."""
        return self._waiting, self._size_bytes, self._failures

    def count_file(self, size_bytes: int) -> None:
        """Count a file that was put."""
        self._size_bytes.inc(size_bytes)

    def count_failure(self) -> None:
        """Count a time at which the bucket did not answer."""
        self._failures.inc()


class AdoptionMetrics:
    """Metrics of what a process has adopted from the bucket."""

    def __init__(self) -> None:
        """Begin at zero."""
        self._entries: Final = Counter(
            "playhead_adopted_spilled_envelopes",
            "Envelopes of dead processes that were digested out of the bucket.",
            registry=None,
        )
        self._unreadable: Final = Counter(
            "playhead_unreadable_spilled_files",
            "Spilled files that could not be decrypted.",
            registry=None,
        )

    @property
    def collectors(self) -> tuple[Collector, ...]:
        """All metrics, to be registered."""
        return self._entries, self._unreadable

    def count_entries(self, number: int) -> None:
        """Count entries that were digested."""
        self._entries.inc(number)

    def count_unreadable(self) -> None:
        """Count a file that could not be decrypted."""
        self._unreadable.inc()
