"""Housekeeping once an hour: makes the days ahead, deletes what has expired, migrates old rows."""

from datetime import timedelta
from typing import Final, override

from app.accounts import writes as account_writes
from app.administration.people.record_failures import record_failures
from app.audit import writes as audit_writes
from app.core import clock
from app.core.running.repeated_worker import RepeatedWorker
from app.db.engine import Database
from app.db.partitions import days, old_rows
from app.ingest.digest import marks
from app.ingest.digest.link_issues import link_blocks, link_events_to_replays
from app.issues import old_rows as issue_rows
from app.issues.regrouping import backfill as error_backfill
from app.memberships import invitations
from app.processes import records as process_records
from app.projects import key_changes, writes as project_writes
from app.replays.clips import writes as clip_writes
from app.replays.deletion import hiding
from app.replays.sharing import writes as share_writes
from app.traces import backfill as trace_backfill, old_rows as trace_rows

PAUSE: Final = timedelta(hours=1)
"""The time from one end of housekeeping to the next beginning, in whatever process."""
QUARANTINE_KEPT_FOR: Final = timedelta(days=7)


class Housekeeper(RepeatedWorker):
    """Deletes expired sign-ins, links, audit lines and quarantine, and migrates old rows."""

    package = "background"
    pause_s = 60.0
    waiting_message = "housekeeping waits"
    failure_message = "housekeeping failed"

    def __init__(self, database: Database, *, heartbeat_s: float, silent_after_s: float) -> None:
        """Begin with housekeeping.

        Args:
            database: The database.
            heartbeat_s: The pause between two heartbeats of a process.
            silent_after_s: The silence after which a process counts as dead.
        """
        super().__init__()
        self._database = database
        self._heartbeat_s = heartbeat_s
        self._silent_after_s = silent_after_s

    @override
    async def work(self) -> None:
        """Tidy up once; every step is a transaction, so that nothing is left half done."""
        await tidy_up(
            self._database, heartbeat_s=self._heartbeat_s, silent_after_s=self._silent_after_s
        )


async def tidy_up(database: Database, *, heartbeat_s: float, silent_after_s: float) -> None:
    """Make the days ahead; delete what has expired; convert what older releases stored.

    Raises:
        ServiceUnavailable: Postgres does not answer.
    """
    async with database.transaction() as connection:
        await days.make_days_ahead(connection)
    async with database.transaction() as connection:
        await account_writes.delete_ended_access(connection)
        await invitations.delete_old_invitations(connection)
        await record_failures(connection)
        await audit_writes.delete_old_lines(connection)
        await share_writes.delete_old_shares(connection)
        await clip_writes.delete_stray_clips(connection)
        await hiding.delete_parts_of_hidden(connection)
        await process_records.delete_dead_processes(
            connection, heartbeat_s=heartbeat_s, silent_after_s=silent_after_s
        )
        await marks.delete_old_marks(
            connection, in_use=await process_records.list_journals(connection)
        )
        await key_changes.delete_old_changes(connection)
        await project_writes.trim_quarantine(
            connection, received_before=clock.now() - QUARANTINE_KEPT_FOR
        )
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
    await move_old_rows(database)


async def move_old_rows(database: Database) -> None:
    """Move what a release before days stored to its own days, and drop what is left empty.

    Segments are moved with their replays, when these are sealed.

    Raises:
        ServiceUnavailable: Postgres does not answer, or a long transaction uses a table.
    """
    for table in (*issue_rows.OLD_TABLES, *trace_rows.OLD_TABLES):
        after: old_rows.RowKey | None = None
        is_done = False
        while not is_done:
            async with database.transaction() as connection:
                after = await old_rows.move_old_rows(connection, table, after=after)
            is_done = after is None
    for family in days.FAMILIES:
        async with database.transaction() as connection:
            if family == "span_blocks" and await trace_rows.has_single_spans(connection):
                continue  # they become blocks there first
            await days.drop_old_partition(connection, family)
