"""Metrics of clips; `monitoring.py` registers them."""

from typing import Final

from prometheus_client import Counter, Gauge
from prometheus_client.registry import Collector


class ClipMetrics:
    """Metrics of the clips that this process rendered, and of those that wait in all processes."""

    def __init__(self) -> None:
        """Make all metrics, beginning at zero."""
        self._clips: Final = Counter(
            "playhead_clips",
            "Clips of replays, by what became of rendering them.",
            ["result"],
            registry=None,
        )
        self._cpu_s: Final = Counter(
            "playhead_clip_cpu_seconds",
            "Processor time of the children that rendered clips.",
            registry=None,
        )
        self._waiting: Final = Gauge(
            "playhead_clips_waiting",
            "Clips that are not rendered yet, in all processes.",
            registry=None,
        )

    @property
    def collectors(self) -> tuple[Collector, ...]:
        """All metrics, to be registered."""
        return self._clips, self._cpu_s, self._waiting

    def note_result(self, result: str) -> None:
        """Count a clip that was ready, failed, was postponed, or was deleted meanwhile."""
        self._clips.labels(result).inc()

    def note_cpu(self, used_s: float) -> None:
        """Add processor time of a child."""
        self._cpu_s.inc(used_s)

    def set_waiting(self, waiting: int) -> None:
        """Set the number of clips that wait."""
        self._waiting.set(waiting)
