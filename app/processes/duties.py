"""Gives each duty, work that only one process may do at a time, to one of all processes.

    take ─► held for some seconds ─► work, renewed meanwhile ─► done, or given up at the end

A row says which process holds a duty, and until when by the clock of Postgres. Session locks are
not used: behind a pooler they would belong to the next user of the connection. A holder that loses
its duty, because it or Postgres was delayed for long, is interrupted. Even so, the work must be
harmless if two processes do it for a moment, as with any lease.
"""

import asyncio
import contextlib
import math
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Final

from sqlalchemy import CursorResult, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core import log
from app.core.errors import ServiceUnavailable
from app.db.engine import Database
from app.processes.tables import duties

LEASE: Final = timedelta(seconds=15)
"""The longest time for which nobody does the work after its holder has died."""
_NO_PAUSE: Final = timedelta(0)
_RENEWALS: Final = 3
"""The renewals within one lease, so that one slow answer does not lose the duty."""
_GIVE_UP_S: Final = 2.0
"""The seconds for which a stopping process waits until Postgres has released its duty."""

_logger: Final = log.get_logger("processes.duties")


class ProcessDuty:
    """The right of this process to do one kind of work, as long as no other process has it."""

    def __init__(
        self,
        database: Database,
        process_id: str,
        name: str,
        *,
        pause: timedelta = _NO_PAUSE,
        lease: timedelta = LEASE,
    ) -> None:
        """Make a duty that this process does not hold yet.

        Args:
            database: The database with the rows of duties.
            process_id: The id of this process.
            name: The name of the work.
            pause: The time from one end of the work to its next beginning, in any process. The
                first round of a process does not wait for it, since that may be a new release.
            lease: The time for which it is held without being renewed.
        """
        self._database = database
        self._process_id = process_id
        self._name = name
        self._pause = pause
        self._lease = lease
        self._held_until_s = -math.inf
        """The time of the event loop until which this process surely holds the duty."""
        self._free_at_s = -math.inf
        """The time of the event loop before which another process holds the duty for sure."""
        self._is_first_round = True

    async def perform(self, work: Callable[[], Awaitable[None]]) -> bool:
        """Do the work if it is this process's turn.

        Returns:
            True if it was, and the work is done.

        Raises:
            ServiceUnavailable: Postgres does not answer.
            TimeoutError: The duty was lost, and the work was interrupted.
        """
        if not await self._take():
            return False
        async with asyncio.timeout_at(self._held_until_s) as deadline:
            renewing = asyncio.create_task(self._renew_for_ever(deadline), name=self._name)
            try:
                await work()
            finally:
                renewing.cancel()
                await asyncio.gather(renewing, return_exceptions=True)
        self._is_first_round = False
        if self._pause:
            await self._finish()
        return True

    async def give_up(self) -> None:
        """Release the duty if this process holds it, so that another one takes it at once."""
        if self._held_until_s <= asyncio.get_running_loop().time():
            return
        self._held_until_s = -math.inf
        with contextlib.suppress(ServiceUnavailable, TimeoutError):
            async with asyncio.timeout(_GIVE_UP_S), self._database.transaction() as connection:
                await self._change_own(connection, held_until=func.now())

    async def _take(self) -> bool:
        """Take or renew the duty; return False if it is not this process's turn."""
        now_s = asyncio.get_running_loop().time()
        lease_s = self._lease.total_seconds()
        if not self._pause and now_s < self._held_until_s - lease_s / 2:
            return True
        if now_s < self._free_at_s:
            return False
        async with self._database.transaction() as connection:
            if await self._claim(connection):
                self._held_until_s = now_s + lease_s
                return True
            free_in_s = await self._read_wait_s(connection)
        # Never longer than a lease: the holder may give the duty up before.
        self._free_at_s = now_s + min(free_in_s, lease_s)
        return False

    async def _claim(self, connection: AsyncConnection) -> bool:
        is_free = or_(duties.c.held_until <= func.now(), duties.c.process_id == self._process_id)
        if self._pause and not self._is_first_round:
            is_free &= or_(duties.c.done_at.is_(None), duties.c.done_at <= func.now() - self._pause)
        holder = {"process_id": self._process_id, "held_until": func.now() + self._lease}
        statement = insert(duties).values(name=self._name, **holder)
        claimed = await connection.execute(
            statement.on_conflict_do_update(
                index_elements=["name"], set_=holder, where=is_free
            ).returning(duties.c.name)
        )
        return claimed.first() is not None

    async def _read_wait_s(self, connection: AsyncConnection) -> float:
        due_at = func.coalesce(duties.c.done_at + self._pause, duties.c.held_until)
        free_at = duties.c.held_until if self._is_first_round else func.greatest(
            duties.c.held_until, due_at
        )  # fmt: skip
        wait_s = func.extract("epoch", free_at - func.now())
        rows = await connection.execute(select(wait_s).where(duties.c.name == self._name))
        return float(rows.scalar_one_or_none() or 0.0)

    async def _renew_for_ever(self, deadline: asyncio.Timeout) -> None:
        loop = asyncio.get_running_loop()
        lease_s = self._lease.total_seconds()
        while True:
            await asyncio.sleep(lease_s / _RENEWALS)
            asked_s = loop.time()
            try:
                async with self._database.transaction() as connection:
                    renewed = await self._change_own(
                        connection, held_until=func.now() + self._lease
                    )
            except ServiceUnavailable as error:
                _logger.warning("a duty cannot be renewed", duty=self._name, error=str(error))
                continue
            if not renewed.rowcount:
                _logger.warning("another process has taken a duty over", duty=self._name)
                self._held_until_s = -math.inf
                deadline.reschedule(asked_s)
                return
            self._held_until_s = asked_s + lease_s
            deadline.reschedule(self._held_until_s)

    async def _finish(self) -> None:
        """Note that the work is done, and let any process do it next time."""
        self._held_until_s = -math.inf
        async with self._database.transaction() as connection:
            await self._change_own(connection, held_until=func.now(), done_at=func.now())

    async def _change_own(
        self, connection: AsyncConnection, **values: object
    ) -> CursorResult[tuple[()]]:
        is_own = (duties.c.name == self._name) & (duties.c.process_id == self._process_id)
        return await connection.execute(update(duties).where(is_own).values(**values))
