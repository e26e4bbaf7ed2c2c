"""The background work of alerts: judges signals, and composes messages of findings."""

from collections.abc import Callable
from typing import ClassVar, override

from app.alerts.composing.compose import MessageComposer
from app.alerts.judge import BATCH, judge_signals
from app.core.running.repeated_worker import RepeatedWorker
from app.db.engine import Database


class AlertWorker(RepeatedWorker):
    """Judges signals and composes messages; all processes may do it at once."""

    package: ClassVar[str] = "alerts"
    pause_s = 2.0
    waiting_message: ClassVar[str] = "alerts wait"
    failure_message: ClassVar[str] = "judging alerts failed"

    def __init__(
        self, database: Database, composer: MessageComposer, *, hurry_sender: Callable[[], None]
    ) -> None:
        super().__init__()
        self._database = database
        self._composer = composer
        self._hurry_sender = hurry_sender

    @override
    async def work(self) -> None:
        """Judge all signals, and compose the messages that are due."""
        while await judge_signals(self._database) >= BATCH:
            pass
        if await self._composer.compose_due():
            self._hurry_sender()
