"""Looks at what waits in the outbox, for the metrics."""

from typing import ClassVar, override

from app.alerts import targets
from app.alerts.metrics import MessageMetrics
from app.core.running.repeated_worker import RepeatedWorker
from app.db.engine import Database
from app.messages import outbox, signals


class OutboxMonitor(RepeatedWorker):
    """Shows what waits; a task of its own, so that it goes on when judging or sending fails."""

    package: ClassVar[str] = "alerts.monitor"
    pause_s = 15.0
    waiting_message: ClassVar[str] = "the figures of messages wait"
    failure_message: ClassVar[str] = "counting messages failed"

    def __init__(self, database: Database, metrics: MessageMetrics) -> None:
        super().__init__()
        self._database = database
        self._metrics = metrics

    @override
    async def work(self) -> None:
        """Count what waits now."""
        async with self._database.reading() as connection:
            waiting = await outbox.count_waiting(connection)
            self._metrics.show_waiting(
                messages=waiting.messages,
                late_s=waiting.late_s,
                unjudged_s=await signals.measure_age(connection),
                failing=await targets.count_failing(connection),
            )
