"""Runs retention in the background: hourly, after a change of rules, and when a limit is met."""

import asyncio
from typing import Final

from app.core import clock, log
from app.core.errors import ServiceUnavailable
from app.core.ids import ProjectId
from app.db.engine import Database
from app.retention import inventory, receipts
from app.retention.run import run_retention
from app.retention.sweep import sweep_ended_days
from app.storage.port import ObjectStore

_LOOK_S: Final = 10.0
"""The pause between two looks at limits and at changed rules."""
_RUN_S: Final = 3600.0
_STUCK_S: Final = 300.0
"""The pause while a project exceeds its limit and nothing of it may go."""

_logger: Final = log.get_logger("retention")


class RetentionWorker:
    """The background work that ends data by rule; any number of processes may have one."""

    def __init__(
        self, database: Database, objects: ObjectStore, *, longest_days: int | None
    ) -> None:
        """Make one; it does nothing before `start`.

        Args:
            database: Where rows are.
            objects: Where objects are.
            longest_days: The most days that the settings of the server allow.
        """
        self._database = database
        self._objects = objects
        self._longest_days = longest_days
        self._wanted = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._run_at_s = 0.0
        self._stuck: set[ProjectId] = set()
        """Projects that exceed their limit although nothing of them may go."""

    def start(self) -> None:
        """Begin: at once, and then every hour or when it is needed."""
        self._task = asyncio.create_task(self._run_for_ever(), name="retention")

    async def stop(self) -> None:
        """Stop; every step is a transaction, and the next run goes on."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def hurry(self) -> None:
        """Look now, because a rule was changed in this process."""
        self._wanted.set()

    async def run_once(self) -> None:
        """Run if there is a reason to, and sweep what ended.

        Raises:
            ServiceUnavailable: Postgres does not answer.
        """
        if await self._has_reason():
            await self._run()
        while await sweep_ended_days(self._database, self._objects):
            pass

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

    async def _run_for_ever(self) -> None:
        while True:
            self._wanted.clear()
            try:
                await self.run_once()
            except ServiceUnavailable as error:
                _logger.warning("retention waits", error=str(error))
            except Exception:
                _logger.exception("retention failed")
            try:
                await asyncio.wait_for(self._wanted.wait(), _LOOK_S)
            except TimeoutError:
                continue
