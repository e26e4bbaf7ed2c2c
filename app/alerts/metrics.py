"""Metrics of alerts and messages; `monitoring.py` registers them."""

from datetime import datetime
from typing import Final, Literal

from prometheus_client import Counter, Gauge, Histogram
from prometheus_client.registry import Collector

from app.core import clock
from app.messages.model import MessageKind

MessageResult = Literal["sent", "retried", "failed", "cancelled"]
DeliveryWay = Literal["slack", "webhook", "mail"]

_DELAYS_S: Final = (1.0, 5.0, 15.0, 60.0, 300.0, 1_800.0, 7_200.0, 86_400.0, 259_200.0)
_TRIES_S: Final = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


class MessageMetrics:
    """Metrics of the messages that this process sent, and of those that wait in all processes."""

    def __init__(self) -> None:
        """Make all metrics, beginning at zero."""
        self._messages: Final = Counter(
            "playhead_messages",
            "Tries to send a message, by its kind and by what became of it.",
            ["kind", "result"],
            registry=None,
        )
        self._delay_s: Final = Histogram(
            "playhead_message_delay_seconds",
            "Time from the writing of a message until its receiver took it.",
            buckets=_DELAYS_S,
            registry=None,
        )
        self._try_s: Final = Histogram(
            "playhead_message_try_seconds",
            "Time of a try, whatever became of it, by the way it went.",
            ["way"],
            buckets=_TRIES_S,
            registry=None,
        )
        self._waiting: Final = Gauge(
            "playhead_messages_waiting",
            "Messages that are not sent yet, those between two tries included.",
            registry=None,
        )
        self._late_s: Final = Gauge(
            "playhead_messages_late_seconds",
            "Time for which the first of the messages that are due has waited.",
            registry=None,
        )
        self._unjudged_s: Final = Gauge(
            "playhead_alert_signals_oldest_seconds",
            "Age of the oldest thing that happened and that no alert has judged yet.",
            registry=None,
        )
        self._failing: Final = Gauge(
            "playhead_alert_targets_failing",
            "Targets of alerts at which the last message did not arrive.",
            registry=None,
        )

    @property
    def collectors(self) -> tuple[Collector, ...]:
        """All metrics, to be registered."""
        return (
            self._messages,
            self._delay_s,
            self._try_s,
            self._waiting,
            self._late_s,
            self._unjudged_s,
            self._failing,
        )

    def count_try(self, kind: MessageKind, result: MessageResult) -> None:
        """Count a try to send a message."""
        self._messages.labels(kind.value, result).inc()

    def count_arrival(self, made_at: datetime) -> None:
        """Record the time from the making of a message to its arrival."""
        self._delay_s.observe(max(0.0, (clock.now() - made_at).total_seconds()))

    def count_time(self, way: DeliveryWay, spent_s: float) -> None:
        """Record the duration of a try in seconds."""
        self._try_s.labels(way).observe(spent_s)

    def show_waiting(
        self, *, messages: int, late_s: float, unjudged_s: float, failing: int
    ) -> None:
        """Set the metrics of messages that wait in all processes.

        Args:
            messages: Messages that are not sent yet.
            late_s: Seconds for which the first message that is due has waited.
            unjudged_s: Age in seconds of the oldest signal.
            failing: Targets at which the last message did not arrive.
        """
        self._waiting.set(messages)
        self._late_s.set(late_s)
        self._unjudged_s.set(unjudged_s)
        self._failing.set(failing)
