"""Runs retention in the background: hourly, after a change of rules, and when a limit is met."""

from datetime import date
from typing import Final, override

from app.core import clock
from app.core.ids import ProjectId
from app.core.running.repeated_worker import RepeatedWorker
from app.db.engine import Database
from app.db.partitions import days
from app.retention import inventory, receipts
from app.retention.debug_files import expire_debug_files
from app.retention.run import run_retention
from app.retention.session_marks import expire_session_marks
from app.retention.sweep import sweep_ended_days
from app.storage.port import ObjectStore

_RUN_S: Final = 3600.0
_STUCK_S: Final = 300.0
"""The pause while a project exceeds its limit and nothing of it may be deleted, in seconds."""


class RetentionWorker(RepeatedWorker):
    """The background work that deletes data by rule; any number of processes may have one."""

    package = "retention"
    pause_s = 10.0
    waiting_message = "retention waits"
    failure_message = "retention failed"

    def __init__(
        self,
        database: Database,
        objects: ObjectStore,
        *,
        longest_days: int | None,
        unused_debug_file_days: int,
    ) -> None:
        """Make a worker; it does nothing before `start`.

        Args:
            database: The database.
            objects: The object store.
            longest_days: The most days that the settings of the server allow.
            unused_debug_file_days: Days that a debug file is kept after an event needed it.
        """
        super().__init__()
        self._database = database
        self._objects = objects
        self._longest_days = longest_days
        self._unused_debug_file_days = unused_debug_file_days
        self._daily_day: date | None = None
        """The day on which unused debug files and old ids of sessions were last deleted."""
        self._run_at_s = 0.0
        self._stuck: set[ProjectId] = set()
        """Projects that exceed their limit although nothing of them may go."""

    @override
    async def work(self) -> None:
        """Run if there is a reason to, and sweep the objects of deleted days."""
        if await self._has_reason():
            await self._run()
        await sweep_ended_days(self._database, self._objects)
        # By the clock of Postgres, as turns are: a clock that is ahead would ask for the turn of
        # yesterday once more, and then leave today out.
        async with self._database.reading() as connection:
            today = await days.read_today(connection)
        if today != self._daily_day:
            await expire_debug_files(
                self._database, unused_days=self._unused_debug_file_days, now=clock.now()
            )
            await expire_session_marks(self._database, longest_days=self._longest_days)
            self._daily_day = today

    async def _has_reason(self) -> bool:
        if clock.monotonic_s() >= self._run_at_s:
            return True
        async with self._database.reading() as connection:
            state = await receipts.read_run_state(connection)
            exceeding = set(await inventory.find_exceeding_projects(connection))
        return state.is_wanted or not exceeding <= self._stuck

    async def _run(self) -> None:
        if await run_retention(self._database, longest_days=self._longest_days) is None:
            return
        async with self._database.reading() as connection:
            self._stuck = set(await inventory.find_exceeding_projects(connection))
        pause_s = _STUCK_S if self._stuck else _RUN_S
        self._run_at_s = clock.monotonic_s() + pause_s
