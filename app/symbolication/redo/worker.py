"""Symbolicates stored events in the background, any number of processes at once.

    queue: pending, or asked for ──────────────► claim 20 ─► redo ─► out of the queue
    arrival of a file ─► events that miss it, the newest 200 ─► redo ─► the next 200 …

The queue comes first: a person, or an event of this minute, waits for it. A process that dies
leaves its claims to the next one when they run out; nothing is written twice, as each step is one
transaction and depends on nothing but the events and the files.
"""

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, Literal, override

from app.core import clock, log
from app.core.errors import ServiceUnavailable
from app.core.ids import ProjectId
from app.core.running.repeated_worker import RepeatedWorker
from app.db.engine import Database
from app.debug_files import writes as file_writes
from app.debug_files.model import DebugFileArrival
from app.issues.model import EventRowKey
from app.symbolication import waiting
from app.symbolication.redo import queue
from app.symbolication.redo.events import STEP, EventRedoer, RedoneEvents
from app.symbolication.redo.queue import EventCursor, EventPart, QueuedEvents

SETTLED: Final = timedelta(minutes=1)
"""After this time every process knows that a project has scripts (`script_projects.py`). Events of
a release that came before are looked for once more then."""
_PAUSE_S: Final = 1.0
_CLAIMED: Final = 20
"""Events of the queue that are claimed at once: so few that they are done within their lease, even
if half of them take all the time that an event has."""
_GIVE_BACK_S: Final = 5.0
"""The seconds for which a stop waits for Postgres; otherwise claims end with their lease."""

_logger: Final = log.get_logger("symbolication.redo")


@dataclass(slots=True)
class _ArrivalProgress:
    """The place reached in the events that an uploaded file may make clear."""

    arrival: DebugFileArrival
    stage: Literal["missing", "release"] = "missing"
    after: EventCursor | None = None


class SymbolicationRedoer(RepeatedWorker):
    """Symbolicates stored events again, in the background."""

    package = "symbolication.redo"
    pause_s = _PAUSE_S
    waiting_message = "stored events wait for their debug files"
    failure_message = "symbolicating stored events failed"

    def __init__(self, database: Database, redoer: EventRedoer) -> None:
        """Make a worker; it does nothing before `start`.

        Args:
            database: The database with the queue and the arrivals.
            redoer: Symbolicates the events.
        """
        super().__init__()
        self._database = database
        self._redoer = redoer
        self._progress: _ArrivalProgress | None = None
        self.is_busy: Callable[[], bool] = lambda: False
        """Tells whether ingest needs the processor; nothing is done meanwhile."""

    @override
    async def work(self) -> None:
        """Do all events that are due.

        Raises:
            ServiceUnavailable: Postgres or the store does not answer.
        """
        if not await self._is_any_due():
            return
        while not self.is_busy():
            if not await self._redo_queued() and not await self._redo_for_arrival():
                break

    @override
    async def stop(self) -> None:
        """Stop, and leave the file whose events are half done to the next process."""
        await super().stop()
        if self._progress is not None:
            arrival, self._progress = self._progress.arrival, None
            async with self._database.transaction() as connection:
                await file_writes.renew_arrival(connection, arrival.arrival_id, until=clock.now())

    async def _is_any_due(self) -> bool:
        """Tell whether there is anything to do; each second, so without a transaction."""
        if self._progress is not None:
            return True
        async with self._database.reading() as connection:
            return await queue.is_any_due(connection) or await file_writes.is_any_arrival_free(
                connection
            )

    async def _redo_queued(self) -> bool:
        """Symbolicate some events of the queue; return whether there were any."""
        async with self._database.transaction() as connection:
            claimed = await queue.claim_queued(connection, limit=_CLAIMED)
        for number, queued in enumerate(claimed):
            try:
                await self._redo_claimed(queued)
            except (ServiceUnavailable, asyncio.CancelledError):
                await self._give_back(claimed[number:])
                raise
        return bool(claimed)

    async def _give_back(self, claimed: Sequence[QueuedEvents]) -> None:
        """Release claimed events without counting a try, after an outage or a stop.

        Events that are done are written already, and doing them again changes nothing.
        """
        with contextlib.suppress(ServiceUnavailable, TimeoutError):
            async with (
                asyncio.timeout(_GIVE_BACK_S),
                self._database.transaction() as connection,
            ):
                for queued in claimed:
                    event_ids = [key.event_id for key in queued.keys]
                    await queue.give_back(connection, queued.project_id, event_ids)

    async def _redo_claimed(self, queued: QueuedEvents) -> None:
        result = await self._redo_events(queued.project_id, queued.keys)
        given_up = result.unfinished & queued.last_tries
        for event_id in sorted(given_up):
            _logger.warning("an event cannot be symbolicated", event_id=event_id)
        async with self._database.transaction() as connection:
            done = (result.finished - result.written) | given_up
            await queue.remove_queued(connection, queued.project_id, done)
            await queue.put_back(connection, queued.project_id, result.unfinished - given_up)

    async def _redo_events(
        self, project_id: ProjectId, keys: Sequence[EventRowKey]
    ) -> RedoneEvents:
        """Symbolicate some events; if they fail together, each alone."""
        try:
            result = await self._redoer.redo_events(project_id, keys)
        except ServiceUnavailable:
            raise
        except Exception:
            _logger.exception("symbolicating stored events failed", events=len(keys))
            if len(keys) == 1:
                return RedoneEvents(unfinished={keys[0].event_id})
            result = RedoneEvents()
            for key in keys:
                result.add(await self._redo_events(project_id, [key]))
            return result
        self._redoer.symbolicator.metrics.count_written(len(result.written), moved=result.moved)
        return result

    async def _redo_for_arrival(self) -> bool:
        """Symbolicate some events that an uploaded file may make clear; return whether to go on."""
        progress = self._progress or await self._claim_arrival()
        if progress is None:
            return False
        self._progress = progress
        part = await self._list_events(progress)
        if part.keys:
            await self._redo_part(progress.arrival.project_id, part.keys)
        progress.after = part.next
        if part.next is None and not self._enter_next_stage(progress):
            await self._finish(progress.arrival)
            self._progress = None
            return True
        async with self._database.transaction() as connection:
            await file_writes.renew_arrival(
                connection, progress.arrival.arrival_id, until=clock.now() + queue.LEASE
            )
        return True

    async def _claim_arrival(self) -> _ArrivalProgress | None:
        async with self._database.transaction() as connection:
            arrival = await file_writes.claim_arrival(connection, until=clock.now() + queue.LEASE)
        if arrival is None:
            return None
        async with self._database.transaction() as connection:
            await waiting.wait_for_lookups(connection, arrival.project_id)
        return _ArrivalProgress(arrival)

    async def _list_events(self, progress: _ArrivalProgress) -> EventPart:
        arrival = progress.arrival
        async with self._database.reading() as connection:
            if progress.stage == "release" and arrival.release is not None:
                return await queue.list_events_of_release(
                    connection,
                    arrival.project_id,
                    arrival.release,
                    after=progress.after,
                    limit=STEP,
                )
            return await queue.list_events_missing(
                connection,
                arrival.project_id,
                arrival.debug_ids,
                arrival.release,
                after=progress.after,
                limit=STEP,
                with_companions=arrival.kind in waiting.COMPANION_KINDS,
            )

    async def _redo_part(self, project_id: ProjectId, keys: Sequence[EventRowKey]) -> None:
        """Symbolicate events that miss a file; those that take too long are left to the queue."""
        result = await self._redo_events(project_id, keys)
        late = [key for key in keys if key.event_id in result.unfinished]
        async with self._database.transaction() as connection:
            await waiting.queue_events(connection, [(project_id, *key) for key in late])

    def _enter_next_stage(self, progress: _ArrivalProgress) -> bool:
        if progress.stage == "release" or progress.arrival.release is None:
            return False
        progress.stage = "release"
        return True

    async def _finish(self, arrival: DebugFileArrival) -> None:
        """Forget an arrival, or look once more when all processes know of it."""
        settled_at = arrival.arrived_at + SETTLED
        async with self._database.transaction() as connection:
            if arrival.release is not None and clock.now() < settled_at:
                await file_writes.renew_arrival(connection, arrival.arrival_id, until=settled_at)
            else:
                await file_writes.finish_arrival(connection, arrival.arrival_id)
