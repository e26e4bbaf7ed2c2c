"""Writes the rows of processes and reads them."""

from collections.abc import Collection
from dataclasses import asdict
from datetime import timedelta
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    any_,
    delete,
    extract,
    func,
    literal,
    or_,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from app.processes.model import (
    LiveProcess,
    ProcessCondition,
    ProcessIdentity,
    ProcessRecord,
    ProcessState,
)
from app.processes.roles_served import find_settled
from app.processes.tables import processes

_MOST_PROCESSES: Final = 1_000
_KEPT_WITHOUT_JOURNAL: Final = timedelta(days=1)
"""The time for which the row of a dead process without a journal is kept."""
_KEPT_IF_REPLACED: Final = timedelta(hours=1)
"""The same, if another process has taken its place."""
LATE_AFTER_HEARTBEATS: Final = 2.5
"""The number of heartbeats without a sign of life after which a process may be dead."""


async def write_heartbeat(
    connection: AsyncConnection,
    identity: ProcessIdentity,
    condition: ProcessCondition,
    *,
    clock_ahead_ms: int,
    is_stopping: bool,
) -> None:
    """Write the row of a process, or renew it."""
    renewed: dict[str, Any] = {
        **asdict(condition),
        "clock_ahead_ms": clock_ahead_ms,
        "is_stopping": is_stopping,
        "journal_id": identity.journal_id,
        "seen_at": func.now(),
        "stopped_at": None,
    }
    statement = insert(processes).values({**asdict(identity), **renewed})
    await connection.execute(
        statement.on_conflict_do_update(index_elements=["process_id"], set_=renewed)
    )


async def mark_stopped(connection: AsyncConnection, process_id: str) -> None:
    """Mark a process as stopped with a journal left behind, so that nobody waits for it."""
    await connection.execute(
        update(processes)
        .where(processes.c.process_id == process_id)
        .values(stopped_at=func.now(), seen_at=func.now(), is_stopping=True)
    )


async def delete_process(connection: AsyncConnection, process_id: str) -> bool:
    """Delete the row of a process, and return whether there was one."""
    deleted = await connection.execute(
        delete(processes).where(processes.c.process_id == process_id)
    )
    return bool(deleted.rowcount)


async def delete_owner_of_journal(connection: AsyncConnection, journal_id: str) -> None:
    """Delete the row of the process whose journal is digested completely.

    If the process still runs and was wrongly taken for dead, it writes its row again.
    """
    await connection.execute(delete(processes).where(processes.c.journal_id == journal_id))


async def forget_processes(connection: AsyncConnection, *, journals: Collection[str]) -> None:
    """Forget the processes of a database that was restored: none of them is alive.

    Args:
        connection: The transaction of the caller.
        journals: Journals with entries left to adopt; their processes count as stopped.
    """
    await connection.execute(
        delete(processes).where(
            or_(processes.c.journal_id.is_(None), processes.c.journal_id.not_in(journals))
        )
    )
    await connection.execute(update(processes).values(stopped_at=func.now(), is_stopping=True))


async def delete_dead_processes(
    connection: AsyncConnection, *, heartbeat_s: float, silent_after_s: float
) -> None:
    """Delete the rows of processes that ended long ago and had no journal to adopt.

    Args:
        connection: The transaction of the caller.
        heartbeat_s: The pause between two heartbeats.
        silent_after_s: The silence after which a process counts as dead.
    """
    known = await list_processes(connection, heartbeat_s=heartbeat_s, silent_after_s=silent_after_s)
    settled = find_settled(known, silent_s=_KEPT_IF_REPLACED.total_seconds())
    await connection.execute(
        delete(processes).where(
            processes.c.journal_id.is_(None),
            processes.c.seen_at < func.now() - _KEPT_IF_REPLACED,
            or_(
                processes.c.process_id.in_(settled),
                processes.c.seen_at < func.now() - _KEPT_WITHOUT_JOURNAL,
            ),
        )
    )


async def list_processes(
    connection: AsyncConnection, *, heartbeat_s: float, silent_after_s: float
) -> tuple[ProcessRecord, ...]:
    """List all processes, those that run first, then by host and start.

    Args:
        connection: The connection to read with.
        heartbeat_s: The pause between two heartbeats.
        silent_after_s: The silence after which a process counts as dead.
    """
    silence = _silence()
    rows = await connection.execute(
        select(processes, silence.label("silent_s"))
        .order_by(
            processes.c.stopped_at.is_not(None),
            silence > silent_after_s,
            processes.c.host,
            processes.c.started_at,
            processes.c.process_id,
        )
        .limit(_MOST_PROCESSES)
    )
    return tuple(
        _read_record(row, heartbeat_s=heartbeat_s, silent_after_s=silent_after_s)
        for row in rows.mappings()
    )


async def list_live_processes(
    connection: AsyncConnection, *, heartbeat_s: float
) -> list[LiveProcess]:
    """List the processes that run by their last heartbeats and are not about to stop.

    It reads only columns that every release knows, since a process asks before it migrates.
    """
    rows = await connection.execute(
        select(processes.c.host, processes.c.pid, processes.c.roles)
        .where(
            processes.c.stopped_at.is_(None),
            ~processes.c.is_stopping,
            _silence() <= LATE_AFTER_HEARTBEATS * heartbeat_s,
        )
        .limit(_MOST_PROCESSES)
    )
    return [LiveProcess(row.host, row.pid, tuple(row.roles)) for row in rows]


async def count_running(connection: AsyncConnection, role: str, *, silent_after_s: float) -> int:
    """Count the running processes with a role, including those that are stopping."""
    count: int = (
        await connection.execute(
            select(func.count()).where(
                literal(role) == any_(processes.c.roles),
                processes.c.stopped_at.is_(None),
                _silence() <= silent_after_s,
            )
        )
    ).scalar_one()
    return count


async def list_dead_journals(connection: AsyncConnection, *, silent_after_s: float) -> list[str]:
    """List the journals whose processes have stopped, or were silent for `silent_after_s`."""
    rows = await connection.scalars(
        select(processes.c.journal_id)
        .where(
            processes.c.journal_id.is_not(None),
            or_(processes.c.stopped_at.is_not(None), _silence() > silent_after_s),
        )
        .order_by(processes.c.seen_at)
        .limit(_MOST_PROCESSES)
    )
    return [journal_id for journal_id in rows if journal_id is not None]


async def list_journals(connection: AsyncConnection) -> set[str]:
    """List the journals of all processes that have a row, dead or alive."""
    rows = await connection.scalars(
        select(processes.c.journal_id).where(processes.c.journal_id.is_not(None))
    )
    return {journal_id for journal_id in rows if journal_id is not None}


def _silence() -> ColumnElement[Any]:
    """Return the seconds since the last heartbeat of a process, by the clock of Postgres."""
    return extract("epoch", func.now() - processes.c.seen_at)


def _read_record(row: Any, *, heartbeat_s: float, silent_after_s: float) -> ProcessRecord:
    identity = ProcessIdentity(
        process_id=row["process_id"],
        journal_id=row["journal_id"],
        host=row["host"],
        pid=row["pid"],
        roles=tuple(row["roles"]),
        version=row["version"],
        store=row["store"],
        database_connections=row["database_connections"],
    )
    condition = ProcessCondition(
        backlog_entries=row["backlog_entries"],
        backlog_bytes=row["backlog_bytes"],
        oldest_received_at=row["oldest_received_at"],
        spilled_seq=row["spilled_seq"],
        journal_bytes=row["journal_bytes"],
        room_bytes=row["room_bytes"],
        reserve_bytes=row["reserve_bytes"],
        outage=row["outage"],
        outage_kind=row["outage_kind"],
        counts=row["counts"],
    )
    silent_s = max(0.0, float(row["silent_s"]))
    return ProcessRecord(
        identity=identity,
        condition=condition,
        started_at=row["started_at"],
        seen_at=row["seen_at"],
        silent_s=silent_s,
        clock_ahead_ms=row["clock_ahead_ms"],
        state=_read_state(row, silent_s, heartbeat_s, silent_after_s),
    )


def _read_state(
    row: Any, silent_s: float, heartbeat_s: float, silent_after_s: float
) -> ProcessState:
    if row["stopped_at"] is not None:
        return ProcessState.STOPPED
    if silent_s > silent_after_s:
        return ProcessState.SILENT
    if silent_s > LATE_AFTER_HEARTBEATS * heartbeat_s:
        return ProcessState.LATE
    return ProcessState.STOPPING if row["is_stopping"] else ProcessState.LIVE
