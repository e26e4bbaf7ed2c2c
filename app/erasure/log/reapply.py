"""Applies the log of erasures to a database that is older than it, before the server answers.

A restored backup brings back what was erased after it was made. The log has the ids of all of that.
Replays also get their tombstones again, so that late segments are refused.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Final

from sqlalchemy import ColumnElement, Integer, func, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core import clock, log
from app.core.errors import NotFound
from app.core.ids import IssueId, PersonId, ProjectId, ReplayId
from app.db import record_scans
from app.db.engine import Database
from app.db.record_scans import RecordSource, ScannedRecord
from app.debug_files import receipts
from app.debug_files.model import DebugFileId, DeletionCause
from app.erasure.jobs import hide, rows
from app.erasure.jobs.begin import GONE_PROJECT, ErasureWish, begin_erasure
from app.erasure.jobs.model import Erasure, ErasureKind, ErasureState
from app.erasure.jobs.phases import PARTS
from app.erasure.jobs.scopes import ProjectScope, ReplaysScope
from app.erasure.jobs.steps import Relink
from app.erasure.log.file import ErasureLog, note_size, read_known_size
from app.erasure.log.lines import LogLine
from app.erasure.people import records
from app.issues.deletion import erase_events, erase_users
from app.issues.deletion.erase_events import EVENT_RECORDS
from app.projects import queries as project_queries
from app.replays import locks
from app.replays.deletion import hiding
from app.replays.deletion.hiding import DeletionAuthor
from app.replays.model import ReplayKey

_EVENTS_AT_ONCE: Final = 500
"""Events of a deleted issue that are erased in one transaction."""
_EVENT_KEYS: Final = RecordSource(EVENT_RECORDS.table)
"""Events without what they say: payloads of 500 may have hundreds of megabytes."""
_LOCK: Final = 0x5265_6170_706C_79
"""The key of the advisory lock under which one process at a time applies a log."""
_LOCK_PAUSE_S: Final = 0.2

_logger: Final = log.get_logger("erasure.reapply")


async def find_gap(database: Database, erasure_log: ErasureLog) -> tuple[int, int] | None:
    """Return the known and the real size of the log in bytes; None if the database knows all of it.

    Raises:
        ServiceUnavailable: Postgres does not answer, or the file cannot be read.
    """
    head = erasure_log.read_head()
    if head is None:
        return None
    async with database.reading() as connection:
        known = await read_known_size(connection, head.log_id)
    return (known, head.size_bytes) if head.size_bytes > known else None


async def apply_log(database: Database, path: Path, relink: Relink) -> int:
    """Erase again what the log names and the database does not know.

    Objects are removed later, by jobs. Applying a log twice changes nothing. Processes that start
    together wait for one another, so that one of them applies it and there is one receipt.

    Returns:
        The number of lines that were applied.

    Raises:
        ServiceUnavailable: Postgres does not answer, or the file cannot be read.
    """
    erasure_log = ErasureLog(path)
    while await find_gap(database, erasure_log) is not None:
        async with _try_lock(database) as is_locked:
            if is_locked:
                return await _apply_gap(database, erasure_log, relink)
        await asyncio.sleep(_LOCK_PAUSE_S)
    return 0


@asynccontextmanager
async def _try_lock(database: Database) -> AsyncIterator[bool]:
    """Take the lock for the time of the block; it is False if another process has it.

    It belongs to a transaction on a connection of its own, so that it ends with the process even
    behind a pooler.
    """
    async with database.transaction() as connection:
        await connection.execute(text("set local idle_in_transaction_session_timeout = 0"))
        yield bool(await connection.scalar(select(func.pg_try_advisory_xact_lock(_LOCK))))


async def _apply_gap(database: Database, erasure_log: ErasureLog, relink: Relink) -> int:
    head = erasure_log.read_head()
    gap = await find_gap(database, erasure_log)
    if head is None or gap is None:
        return 0
    known, _ = gap
    applied = 0
    jobs: dict[tuple[int, int], int] = {}
    for line in erasure_log.read_lines(after_bytes=known):
        if line.has_project:
            async with database.transaction() as connection:
                await _erase_project(connection, line)
        else:
            await _apply_line(database, line, jobs, relink)
        applied += 1
    async with database.transaction() as connection:
        await note_size(connection, head)
    if applied:
        _logger.warning("erasures_applied_again", lines=applied, log=str(erasure_log.path))
    return applied


async def _apply_line(
    database: Database, line: LogLine, jobs: dict[tuple[int, int], int], relink: Relink
) -> None:
    async with database.transaction() as connection:
        erasure = await _lock_job(connection, line, jobs)
        await _erase_listed(connection, line, erasure, relink)
    for issue_id in line.issues:
        erased_all = False
        while not erased_all:
            # A transaction for each part: an issue may have a million events.
            async with database.transaction() as connection:
                erasure = await _lock_job(connection, line, jobs)
                erased_all = await _erase_issue_part(
                    connection, line, IssueId(issue_id), erasure, relink
                )


async def _lock_job(
    connection: AsyncConnection, line: LogLine, jobs: dict[tuple[int, int], int]
) -> Erasure:
    """Lock the job that counts what a line erases again, or add one.

    A worker takes the job as soon as the transaction that adds it is committed, in this process or
    in another one. It waits here between two of its steps, and may have finished the job already.

    Args:
        connection: The transaction that erases a part.
        line: The line.
        jobs: The ids of the jobs so far, by the erasure and the project that the log names.
    """
    place = (line.erasure_id, line.project_id)
    erasure = None
    if place in jobs:
        erasure = await rows.lock_erasure(connection, jobs[place], waits=True)
    if erasure is None:
        erasure = await _add_job(connection, line)
        jobs[place] = erasure.id
    return erasure


async def _save_part(
    connection: AsyncConnection, erasure: Erasure, *, counts: Counter[str], size_bytes: int
) -> None:
    """Add what was erased to the counts of a job that is locked, and let it begin again.

    Replays that were hidden now have parts, and a worker may have passed this phase already.
    """
    if erasure.phase != PARTS:
        erasure = replace(erasure, phase=PARTS, state=ErasureState.RUNNING)
    again = replace(erasure, position=None, problem=None)
    await rows.save_step(connection, again, counts=counts, size_bytes=size_bytes)


async def _erase_listed(
    connection: AsyncConnection, line: LogLine, erasure: Erasure, relink: Relink
) -> None:
    """Erase the replays, records, users and debug files that a line names."""
    project_id = ProjectId(line.project_id)
    keys = [ReplayKey(project_id, ReplayId(replay_id)) for replay_id in line.replays]
    hidden = await _hide_replays(connection, erasure, keys, at=line.at)
    counts, size_bytes = Counter(hidden.counts), hidden.video_bytes
    for source in records.SOURCES:
        ids = line.records.get(source.name, ())
        found = await _read_records(connection, project_id, source, ids)
        erased = await _erase_records(connection, project_id, source, found, relink)
        counts.update(erased.counts)
        size_bytes += erased.size_bytes
    await erase_users.erase_issue_users(connection, project_id, line.users)
    debug_files = await receipts.erase_debug_files(
        connection,
        project_id,
        [DebugFileId(file_id) for file_id in line.debug_files],
        cause=DeletionCause.RESTORED,
        person_id=None if line.person_id is None else PersonId(line.person_id),
    )
    counts["debug_files"] += debug_files.files
    size_bytes += debug_files.stored_bytes
    await _save_part(connection, erasure, counts=counts, size_bytes=size_bytes)


async def _add_job(connection: AsyncConnection, line: LogLine) -> Erasure:
    """Add the job that removes what is left, and whose receipt says that this happened."""
    project_id = ProjectId(line.project_id)
    try:
        name = (await project_queries.get_project(connection, project_id)).name
    except NotFound:
        name = GONE_PROJECT
    return await rows.add_erasure(
        connection,
        ErasureKind.RESTORED,
        ReplaysScope(len(line.replays)),
        act_id=rows.new_act_id(),
        project_id=project_id,
        project_name=name,
        summary={"erasure_id": line.erasure_id, "erased_at": line.at.isoformat()},
        person_id=None if line.person_id is None else PersonId(line.person_id),
        at=line.at,
        phase=PARTS,
    )


async def _hide_replays(
    connection: AsyncConnection, erasure: Erasure, keys: Sequence[ReplayKey], *, at: datetime
) -> hide.HidingResult:
    """Hide replays whatever holds there were, and keep late segments of absent ones out."""
    await locks.lock_all_for_deletion(connection, keys)
    author = DeletionAuthor(erasure.requested_by, at)
    hidden = await hiding.hide_replays(connection, keys, author, erasure_id=erasure.id)
    await hiding.add_tombstones(connection, keys, author, erasure_id=erasure.id)
    return hide.HidingResult(
        len(hidden),
        sum(replay.segments for replay in hidden),
        sum(replay.video_bytes for replay in hidden),
        shares=sum(replay.shares for replay in hidden),
        clips=sum(replay.clips for replay in hidden),
        tickets=sum(replay.tickets for replay in hidden),
    )


async def _read_records(
    connection: AsyncConnection, project_id: ProjectId, source: RecordSource, ids: Sequence[str]
) -> Sequence[ScannedRecord]:
    if not ids:
        return ()
    part = await record_scans.read_records(
        connection,
        source,
        project_id,
        limit=len(ids) + 1,
        condition=_has_id(source, ids),
    )
    return part.records


async def _erase_records(
    connection: AsyncConnection,
    project_id: ProjectId,
    source: RecordSource,
    found: Sequence[ScannedRecord],
    relink: Relink,
) -> records.ErasedRecords:
    erased = await records.erase_records(connection, project_id, source, found, at=clock.now())
    if erased.replays_to_link:
        await relink(connection, erased.replays_to_link)
    return erased


async def _erase_issue_part(
    connection: AsyncConnection, line: LogLine, issue_id: IssueId, erasure: Erasure, relink: Relink
) -> bool:
    """Erase some events of an issue that had been received when it was deleted.

    The issue goes with the last of them. Later events made it anew, and stay.

    Returns:
        True if none is left.
    """
    project_id = ProjectId(line.project_id)
    condition = erase_events.is_of_issue(issue_id) & record_scans.is_received_between(
        EVENT_RECORDS, None, line.at
    )
    part = await record_scans.read_records(
        connection, _EVENT_KEYS, project_id, limit=_EVENTS_AT_ONCE, condition=condition
    )
    erased = await _erase_records(connection, project_id, EVENT_RECORDS, part.records, relink)
    await _save_part(connection, erasure, counts=erased.counts, size_bytes=erased.size_bytes)
    return part.cursor is None


def _has_id(source: RecordSource, ids: Sequence[str]) -> ColumnElement[bool]:
    column = source.key_columns[-1]
    if isinstance(column.type, Integer):
        return column.in_([int(each) for each in ids])
    return column.in_(ids)


async def _erase_project(connection: AsyncConnection, line: LogLine) -> None:
    try:
        await begin_erasure(
            connection,
            ErasureWish(
                ErasureKind.PROJECT,
                ProjectId(line.project_id),
                ProjectScope(),
                None if line.person_id is None else PersonId(line.person_id),
                clock.now(),
            ),
        )
    except NotFound:
        return
