"""Works on erasures in the background, one step after another, until each receipt is closed.

    lines for the log ─► file
    next job ─► lock ─► step ─► save how far ─► commit ─► … ─► swept? verified? ─► receipt

A process that dies loses the step that was not committed, and nothing else. Several processes may
work at the same time: a job is locked for the length of one step.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final, override

from app.core import clock, log
from app.core.errors import ServiceUnavailable
from app.core.running.repeated_worker import RepeatedWorker
from app.db.engine import Database
from app.erasure.jobs import closing, phases, rows
from app.erasure.jobs.model import Erasure, ErasureKind, ErasureState, UnreachableHost
from app.erasure.jobs.steps import ErasureStep, Relink
from app.erasure.log import reapply
from app.erasure.log.file import ErasureLog
from app.storage.port import ObjectStore

_AT_ONCE_S: Final = 1.0
"""A job that only waits is tried again after this time."""
FORGOTTEN_AFTER_S: Final = 90.0
"""A database that lacks the end of the log for this long has lost it: transactions take less."""
KEYS_KNOWN_FOR: Final = timedelta(seconds=10)
"""The time for which processes may still accept envelopes after a project was deleted."""

_logger: Final = log.get_logger("erasure.jobs")

ListUnreachable = Callable[[], Sequence[UnreachableHost]]
"""Returns the hosts whose journals nobody waits for any more; they may come back all the same."""
FindBacklog = Callable[[], datetime | None]
"""Returns the time at which the oldest undigested envelope was received; None if there is none."""


class Eraser(RepeatedWorker):
    """Carries out erasures in the background, at once for those asked for in this process."""

    package = "erasure.jobs"
    pause_s = 2.0
    waiting_message = "erasures wait"
    failure_message = "erasures failed"

    def __init__(
        self,
        database: Database,
        objects: ObjectStore,
        erasure_log: ErasureLog,
        *,
        relink: Relink,
        find_backlog: FindBacklog,
        list_unreachable: ListUnreachable,
        hurry_sweep: Callable[[], None],
    ) -> None:
        """Make a worker; `start` begins its work.

        Args:
            database: The database with the jobs.
            objects: The store in which nothing may be left when a receipt is closed.
            erasure_log: The file that outlives a restored database.
            relink: Makes links between replays and issues anew.
            find_backlog: Finds the oldest envelope that waits to be digested in this process.
            list_unreachable: Lists the hosts whose journals are not waited for.
            hurry_sweep: Wakes the sweeper; called when there are objects to remove.
        """
        super().__init__()
        self._database = database
        self._objects = objects
        self._log = erasure_log
        self._relink = relink
        self._find_backlog = find_backlog
        self._list_unreachable = list_unreachable
        self._hurry_sweep = hurry_sweep
        self._gap: tuple[int, int] | None = None
        self._gap_since_s = 0.0

    @override
    def hurry(self) -> None:
        """Work now, because somebody asked for an erasure in this process."""
        super().hurry()
        self._hurry_sweep()

    @override
    async def work(self) -> None:
        """Take every open job as far as it goes now.

        Raises:
            ServiceUnavailable: Postgres does not answer.
        """
        await self._log.append_waiting_lines(self._database)
        await self._repeat_forgotten()
        async with self._database.reading() as connection:
            if not await rows.is_any_open(connection):
                return
            began_at = await rows.read_clock(connection)
        while True:
            async with self._database.transaction() as connection:
                erasure = await rows.lock_next_erasure(connection, worked_before=began_at)
                if erasure is not None:
                    # The new time of work makes the next process take another job.
                    await rows.save_step(connection, erasure, counts={}, size_bytes=0)
            if erasure is None:
                return
            try:
                await self._work_on(erasure.id)
            except ServiceUnavailable:
                raise
            except Exception as error:
                # One job that fails must not keep the others from going on.
                _logger.exception("an erasure failed", erasure=erasure.id)
                await self._note_problem(erasure.id, f"{type(error).__name__}, see the log")

    async def _repeat_forgotten(self) -> None:
        """Erase again what the database has forgotten, as an asynchronous standby may have.

        Another process on this folder writes to the file a moment before the database knows of it.
        So the same difference must last.
        """
        gap = await reapply.find_gap(self._database, self._log)
        now_s = clock.monotonic_s()
        if gap is None or gap != self._gap:
            self._gap, self._gap_since_s = gap, now_s
        elif now_s - self._gap_since_s >= FORGOTTEN_AFTER_S:
            await reapply.apply_log(self._database, self._log.path, self._relink)
            self._gap = None

    async def _work_on(self, erasure_id: int) -> None:
        while await self._do_step(erasure_id):
            pass

    async def _do_step(self, erasure_id: int) -> bool:
        """Do one step; returns whether the job can go on at once."""
        async with self._database.transaction() as connection:
            erasure = await rows.lock_erasure(connection, erasure_id)
            if erasure is None:
                return False
            if erasure.phase == phases.JOURNAL:
                following = self._pass_journal(erasure)
                await rows.save_step(connection, following, counts={}, size_bytes=0)
                if following.phase == erasure.phase:
                    return False
                await rows.note_unreachable(connection, erasure_id, self._list_unreachable())
                return True
            if erasure.phase != phases.SWEEP:
                step = ErasureStep(connection, erasure, clock.now(), self._relink)
                result = await step.run()
                following = _go_on(erasure, result.position)
                await rows.save_step(
                    connection, following, counts=result.counts, size_bytes=result.size_bytes
                )
                return True
        self._hurry_sweep()
        await self._log.append_waiting_lines(self._database)
        return await closing.try_to_close(self._database, self._objects, erasure_id)

    def _pass_journal(self, erasure: Erasure) -> Erasure:
        """Let a job go on once everything is digested that was accepted before it began."""
        now = clock.now()
        backlog_at = self._find_backlog()
        is_behind = backlog_at is not None and backlog_at <= erasure.requested_at
        is_early = (
            erasure.kind is ErasureKind.PROJECT and now < erasure.requested_at + KEYS_KNOWN_FOR
        )
        if is_behind or is_early:
            return replace(erasure, state=ErasureState.RUNNING, problem=None)
        covers_until = now if backlog_at is None else min(now, backlog_at)
        return replace(_go_on(erasure, None), covers_until=covers_until)

    async def _note_problem(self, erasure_id: int, problem: str) -> None:
        async with self._database.transaction() as connection:
            erasure = await rows.lock_erasure(connection, erasure_id)
            if erasure is not None:
                blocked = replace(erasure, state=ErasureState.BLOCKED, problem=problem)
                await rows.save_step(connection, blocked, counts={}, size_bytes=0)


def _go_on(erasure: Erasure, position: object) -> Erasure:
    phase = (
        erasure.phase
        if position is not None
        else phases.find_next_phase(erasure.kind, erasure.phase)
    )
    return replace(
        erasure, phase=phase, position=position, state=ErasureState.RUNNING, problem=None
    )
