"""Closes replays in the background, and runs the steps that follow.

    digest ─ row of an open replay ─► due? ─► claim ─► close ─► step, step, … ─► row goes
                                       └─ put off while segments come

A replay closes when no segment of it has come for ten minutes. Everything that is to happen once at
its end hangs on that: see `step.py`. What has been done is noted after each step, so a process that
dies repeats one step at most. A step that fails is tried again with growing pauses, and does not
keep the others from their turn.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Final

from app.closing import schedule
from app.closing.step import ClosedReplay, ClosingStep, ReplayReopened
from app.core import clock, log
from app.core.errors import ServiceUnavailable
from app.db.engine import Database
from app.replays import open_replays
from app.replays.open_replays import ClosingTask, OpenReplayCounts

_PAUSE_S: Final = 5.0
_AWAY_S: Final = 15.0
"""The pause after Postgres or storage did not answer."""
_NO_PAUSE: Final = timedelta(0)
_AT_ONCE: Final = 4
"""Replays that one process closes at the same time: with S3, most of the time is waiting."""
_OLD_AT_ONCE: Final = 1_000
_OLD_LOOK_S: Final = 60.0
_OLD_PAUSE: Final = timedelta(seconds=1)
"""Replays of older releases are closed one a second, 86,400 a day."""
_NO_COUNTS: Final = OpenReplayCounts(0, 0, None, 0.0)

_logger: Final = log.get_logger("closing")


class Closer:
    """The background work that closes replays; any number of processes may do it."""

    def __init__(
        self, database: Database, steps: Sequence[ClosingStep], *, quiet: timedelta
    ) -> None:
        """Make one; it does nothing before `start`.

        Args:
            database: The database.
            steps: The steps that run for a closed replay, in this order.
            quiet: The time without a segment after which a replay closes.
        """
        self._database = database
        self._steps = tuple(steps)
        self._quiet = quiet
        self._pause_s = min(_PAUSE_S, max(0.02, quiet.total_seconds() / 2))
        self._is_busy: Callable[[], bool] = lambda: False
        self._opened_old_s = -_OLD_LOOK_S
        self._leased: set[ClosingTask] = set()
        self._task: asyncio.Task[None] | None = None
        self.counts = _NO_COUNTS
        """The numbers of replays that were open or failing at the last look, in all processes."""
        self.closed = 0
        """Replays that this process has closed, with all steps."""
        self.step_failures: Counter[str] = Counter()
        """Failures of each step in this process."""

    def start(self, *, is_busy: Callable[[], bool]) -> None:
        """Begin to close replays.

        Args:
            is_busy: Tells whether ingest needs the processor; closing waits then.
        """
        self._is_busy = is_busy
        self._task = asyncio.create_task(self._run(), name="closing")

    def start_counting(self) -> None:
        """Begin to count replays, and close none: other processes do."""
        self.start(is_busy=lambda: True)

    async def stop(self) -> None:
        """Stop, and leave replays whose steps are interrupted to the next process."""
        if self._task is None:
            return
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        try:
            await self._release_interrupted()
        except ServiceUnavailable as error:
            _logger.warning("the leases of replays end later", error=str(error))

    async def close_due_replays(self) -> int:
        """Close every replay that is due, and return how many were.

        Raises:
            ServiceUnavailable: Postgres or storage does not answer.
        """
        await self._release_interrupted()
        # First without a transaction: mostly no replay is due.
        async with self._database.reading() as connection:
            if not await open_replays.is_any_due(connection):
                return 0
        async with self._database.transaction() as connection:
            await open_replays.postpone_growing(connection, self._quiet)
            if not await open_replays.is_any_due(connection):
                return 0  # each turn would take a connection, only to find that out
        turns = (self._close_in_turn() for _ in range(_AT_ONCE))
        closed = 0
        # Wait for all of them, so that none goes on after the failure of another was reported.
        for outcome in await asyncio.gather(*turns, return_exceptions=True):
            if isinstance(outcome, BaseException):
                raise outcome
            closed += outcome
        return closed

    async def _run(self) -> None:
        while True:
            pause_s = self._pause_s
            try:
                await self._inspect_open_replays()
                if not self._is_busy():
                    await self.close_due_replays()
            except ServiceUnavailable as error:
                _logger.warning("closing waits", error=str(error))
                pause_s = max(pause_s, _AWAY_S)
            except Exception:
                _logger.exception("closing failed")
            await asyncio.sleep(pause_s)

    async def _release_interrupted(self) -> None:
        """End the leases of replays whose steps were interrupted, by a stop or by an outage."""
        while self._leased:
            task = next(iter(self._leased))
            async with self._database.transaction() as connection:
                await open_replays.release_closing(connection, task, pause=_NO_PAUSE)
            self._leased.discard(task)

    async def _inspect_open_replays(self) -> None:
        if clock.monotonic_s() - self._opened_old_s >= _OLD_LOOK_S:
            async with self._database.transaction() as connection:
                await open_replays.open_old_replays(
                    connection, limit=_OLD_AT_ONCE, pause=_OLD_PAUSE
                )
            self._opened_old_s = clock.monotonic_s()
        async with self._database.reading() as connection:
            self.counts = await open_replays.count_open_replays(
                connection, failing_tries=schedule.FAILING_TRIES
            )

    async def _close_in_turn(self) -> int:
        """Close one due replay after another, and return how many there were."""
        closed = 0
        while not self._is_busy():
            async with self._database.transaction() as connection:
                task = await open_replays.claim_closing_task(connection, self._quiet)
            if task is None:
                break
            self._leased.add(task)
            closed += await self._close_replay(task)
            self._leased.discard(task)
        return closed

    async def _close_replay(self, task: ClosingTask) -> bool:
        """Close a replay; returns False if it goes on, is deleted, or must be tried again."""
        until_s = clock.monotonic_s() + open_replays.LEASE.total_seconds() / 2
        async with self._database.transaction() as connection:
            found = await open_replays.close_replay(connection, task.key, self._quiet)
        if found is None:
            await self._leave(task)
            return False
        day, closed_at = found
        replay = ClosedReplay(task.key, day, closed_at, until_s)
        fault: Exception | None = None
        for step in self._steps:
            if step.name in task.steps_done:
                continue
            try:
                await step.run(replay)
            except ReplayReopened:
                await self._leave(task)
                return False
            except Exception as error:  # noqa: BLE001 - whatever it is, the other steps go on
                self._report_failure(step, task, error)
                fault = error
            else:
                async with self._database.transaction() as connection:
                    await open_replays.note_step(connection, task, step.name)
        return await self._finish(task, fault)

    async def _leave(self, task: ClosingTask) -> None:
        """End the lease of a replay that goes on, or that is deleted."""
        async with self._database.transaction() as connection:
            if await open_replays.is_stored(connection, task.key):
                await open_replays.release_closing(connection, task, pause=self._quiet)
            else:
                await open_replays.forget_deleted(connection, task)

    async def _finish(self, task: ClosingTask, fault: Exception | None) -> bool:
        async with self._database.transaction() as connection:
            if not await open_replays.is_stored(connection, task.key):
                await open_replays.forget_deleted(connection, task)
                return False
            if fault is not None:
                await open_replays.release_closing(
                    connection,
                    task,
                    pause=schedule.find_pause(task.tries),
                    tries=task.tries,
                    fault=str(fault) or type(fault).__name__,
                )
                return False
            is_over = await open_replays.finish_closing(connection, task)
            if not is_over:
                await open_replays.release_closing(connection, task, pause=self._quiet)
        self.closed += is_over
        return is_over

    def _report_failure(self, step: ClosingStep, task: ClosingTask, error: Exception) -> None:
        self.step_failures[step.name] += 1
        facts = {"step": step.name, "replay": task.key.replay_id, "tries": task.tries}
        if isinstance(error, ServiceUnavailable):
            _logger.warning("a step of a closed replay waits", **facts, error=str(error))
        else:
            _logger.error("a step of a closed replay failed", **facts, exc_info=error)
