"""The heartbeat of a process: every few seconds it writes its row and reads those of the others.

    condition of this process ─► row in `processes` ─► the rows of all, in memory ─► pages, metrics

The clock that counts is that of Postgres. While Postgres does not answer, nothing is written, and
`records` keeps what was read last.
"""

import asyncio
import contextlib
import os
import secrets
import socket
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import ClassVar, Final, override

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core import clock, ids
from app.core.clock import monotonic_s
from app.core.errors import DatabaseUnavailable
from app.core.process_roles import ProcessRole
from app.core.running.repeated_worker import RepeatedWorker
from app.db.engine import Database
from app.processes import records
from app.processes.model import ROLES, ProcessCondition, ProcessIdentity, ProcessRecord
from app.processes.roles_served import UnservedRoles

_PATIENCE_S: Final = 10.0
"""The seconds for which a heartbeat waits for Postgres."""
_TOLD_FOR: Final = 3.0
"""The number of heartbeats after which the records of other processes are too old to be used."""
_SIGN_OFF_S: Final = 3.0
"""The seconds for which a stopping process waits until Postgres has noted that it stops."""

ReadCounts = Callable[[], Mapping[str, int | Mapping[str, int]]]
"""Returns counts by name, some of them by reason, as `ProcessCondition.counts` has them."""


def make_identity(
    *,
    version: str,
    journal_id: str | None,
    roles: Iterable[str] = ROLES,
    store: str = "",
    database_connections: int = 0,
) -> ProcessIdentity:
    """Describe this process, under an id that no other process has."""
    return ProcessIdentity(
        process_id=secrets.token_hex(16),
        journal_id=journal_id,
        host=socket.gethostname(),
        pid=os.getpid(),
        roles=tuple(roles),
        version=version,
        store=store,
        database_connections=database_connections,
    )


class ProcessHeartbeat(RepeatedWorker):
    """Tells the other processes that this one is alive, and reads their records."""

    package: ClassVar = "processes"
    waiting_message: ClassVar = "the heartbeat waits"
    failure_message: ClassVar = "a heartbeat failed"

    def __init__(
        self,
        database: Database,
        identity: ProcessIdentity,
        describe: Callable[[], ProcessCondition],
        *,
        heartbeat_s: float,
        silent_after_s: float,
        notes: Path | None = None,
    ) -> None:
        """Make the heartbeat of a process.

        Args:
            database: The database.
            identity: The identity of this process.
            describe: Returns the condition of this process; called before each heartbeat.
            heartbeat_s: The pause between two heartbeats.
            silent_after_s: The silence after which a process counts as dead.
            notes: A file for the ids of processes that ended cleanly while Postgres was away, so
                that the next one can delete their rows; None if people must remove these rows.
        """
        super().__init__()
        self._database = database
        self.identity: Final = identity
        self._describe = describe
        self.pause_s = heartbeat_s
        self.silent_after_s: Final = silent_after_s
        self.records: tuple[ProcessRecord, ...] = ()
        """All processes, including this one, as they were at the last heartbeat."""
        self.read_at_s: float | None = None
        """The time at which `records` was read, by the monotonic clock; None if it never was."""
        self.read_counts: ReadCounts = dict
        """Returns what this process counts, for the others; set it once there is what counts."""
        self._unserved_roles = UnservedRoles(patience_s=silent_after_s)
        self._is_stopping = False
        self._notes = notes
        self._has_read_notes = notes is None

    @override
    async def work(self) -> None:
        try:
            async with (
                asyncio.timeout(_PATIENCE_S),
                self._database.transaction() as connection,
            ):
                clock_ahead_ms = await measure_clock_ahead(connection)
                await records.write_heartbeat(
                    connection,
                    self.identity,
                    replace(self._describe(), counts=self.read_counts()),
                    clock_ahead_ms=clock_ahead_ms,
                    is_stopping=self._is_stopping,
                )
                known = await records.list_processes(
                    connection, heartbeat_s=self.pause_s, silent_after_s=self.silent_after_s
                )
        except TimeoutError as error:
            raise DatabaseUnavailable(
                f"Postgres did not answer within {_PATIENCE_S:.0f} s"
            ) from error
        if not self._has_read_notes:
            await self._delete_noted()
        self.records = known
        self.read_at_s = monotonic_s()
        self._unserved_roles.note(known)

    @property
    def is_up_to_date(self) -> bool:
        """True if the other processes were read so lately that their records can be trusted."""
        return (
            self.read_at_s is not None
            and monotonic_s() - self.read_at_s <= _TOLD_FOR * self.pause_s
        )

    def list_current(self) -> tuple[ProcessRecord, ...]:
        """List all processes; none if they were last read too long ago to be true."""
        return self.records if self.is_up_to_date else ()

    def list_unserved_roles(self) -> tuple[ProcessRole, ...]:
        """List the roles that no process has had for as long as a dead one is waited for."""
        return self._unserved_roles.list_lasting() if self.is_up_to_date else ()

    def note_stopping(self) -> None:
        """Tell the others with the next heartbeat, which comes at once, that this process stops."""
        self._is_stopping = True
        self.hurry()

    async def sign_off(self, *, has_left_journal: bool) -> None:
        """Stop, and tell the others that this process has ended.

        Args:
            has_left_journal: True if its journal has entries that are not digested yet: then the
                row stays until another process has adopted the journal.
        """
        await self.stop()
        try:
            async with (
                asyncio.timeout(_SIGN_OFF_S),
                self._database.transaction() as connection,
            ):
                if has_left_journal:
                    await records.mark_stopped(connection, self.identity.process_id)
                else:
                    await records.delete_process(connection, self.identity.process_id)
        except (DatabaseUnavailable, TimeoutError):
            if self._notes is not None and not has_left_journal:
                await asyncio.to_thread(_add_note, self._notes, self.identity.process_id)

    async def _delete_noted(self) -> None:
        """Delete the rows of processes that ended on this data folder and could not say so."""
        assert self._notes is not None  # noqa: S101 - there is nothing to read otherwise
        noted = await asyncio.to_thread(_read_notes, self._notes)
        if noted:
            async with self._database.transaction() as connection:
                for process_id in noted:
                    await records.delete_process(connection, process_id)
            await asyncio.to_thread(self._notes.unlink, missing_ok=True)
        self._has_read_notes = True


def _add_note(notes: Path, process_id: str) -> None:
    with contextlib.suppress(OSError), notes.open("a", encoding="ascii") as file:
        file.write(f"{process_id}\n")


def _read_notes(notes: Path) -> list[str]:
    try:
        lines = notes.read_text("ascii").split()
    except (OSError, UnicodeDecodeError):
        return []
    return [line for line in lines if ids.read_hex32(line) == line]


async def measure_clock_ahead(connection: AsyncConnection) -> int:
    """Return by how many milliseconds the clock of this process is ahead of that of Postgres.

    The time of the round trip is subtracted: 0 means that no difference can be measured.
    """
    await connection.execute(select(1))  # opens the transaction, which is a round trip of its own
    before = clock.now()
    of_postgres: datetime = (await connection.execute(select(func.clock_timestamp()))).scalar_one()
    after = clock.now()
    if before <= of_postgres <= after:
        return 0
    nearest = before if of_postgres < before else after
    return round((nearest - of_postgres).total_seconds() * 1000)
