"""Housekeeping once an hour: what is past its time goes, what older releases left is done."""

import asyncio
from datetime import timedelta
from typing import Final

from app.accounts import writes as account_writes
from app.administration.people.record_failures import record_failures
from app.audit import writes as audit_writes
from app.core import clock, log
from app.core.errors import ServiceUnavailable
from app.db.engine import Database
from app.ingest.digest.link_issues import link_blocks, link_events_to_replays
from app.issues import backfill as error_backfill
from app.memberships import invitations
from app.projects import writes as project_writes
from app.traces import backfill as trace_backfill

_PAUSE_S: Final = 3600.0
_AGAIN_S: Final = 60.0
"""After a try without Postgres."""
QUARANTINE: Final = timedelta(days=7)

_logger: Final = log.get_logger("background")


class Housekeeper:
    """Forgets what is past its time: sign-ins, links, audit lines, quarantine; moves old rows."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin: at once, and then every hour."""
        self._task = asyncio.create_task(self._run(), name="housekeeping")

    async def stop(self) -> None:
        """End; nothing is half done."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        while True:
            pause_s = _PAUSE_S
            try:
                await tidy(self._database)
            except ServiceUnavailable as error:
                _logger.warning("housekeeping waits", error=str(error))
                pause_s = _AGAIN_S
            except Exception:
                _logger.exception("housekeeping failed")
            await asyncio.sleep(pause_s)


async def tidy(database: Database) -> None:
    """Forget what is past its time; group events, and lay spans into blocks, of older releases.

    Raises:
        ServiceUnavailable: Postgres does not answer.
    """
    async with database.transaction() as connection:
        await account_writes.delete_ended_access(connection)
        await invitations.delete_old_invitations(connection)
        await record_failures(connection)
        await audit_writes.delete_old_lines(connection)
        await project_writes.trim_quarantine(connection, received_before=clock.now() - QUARANTINE)
    is_done = False
    while not is_done:
        async with database.transaction() as connection:
            grouped = await error_backfill.group_stored_events(connection)
            await link_events_to_replays(connection, grouped, ())
        is_done = not grouped
    is_done = False
    while not is_done:
        async with database.transaction() as connection:
            moved = await trace_backfill.move_into_blocks(connection)
            await link_blocks(connection, moved)
        is_done = not moved
