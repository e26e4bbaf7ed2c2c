"""Lines of the log of erasures: ids of what was erased or deleted, never what it said.

A line is added in the transaction that erases, and reaches the file soon after (`file.py`). An
erasure has not finished before its lines are there. Issues and debug files are deleted at once,
without an erasure, so their lines have the number 0 instead.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import msgspec
from sqlalchemy import delete, exists, func, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.ids import PersonId, ProjectId
from app.debug_files.model import DebugFileId
from app.erasure.jobs.model import Erasure
from app.erasure.log.tables import erasure_log_lines
from app.issues.model import IssueKey
from app.replays.model import ReplayKey

NO_ERASURE: Final = 0
"""The number of the erasure in lines of what was deleted without one."""
_IDS_PER_LINE: Final = 1_000


class LogLine(msgspec.Struct, frozen=True, omit_defaults=True):
    """One line of the log: what was erased of one project."""

    erasure_id: int
    at: datetime
    project_id: int
    replays: tuple[str, ...] = ()
    """Ids of replays."""
    records: Mapping[str, tuple[str, ...]] = msgspec.field(default_factory=dict)
    """Ids of events, logs and other records, by table."""
    users: tuple[str, ...] = ()
    """Hashes of users that issues counted."""
    issues: tuple[str, ...] = ()
    """Ids of issues that were deleted; events that came later are not meant."""
    debug_files: tuple[str, ...] = ()
    """Ids of debug files that were deleted, by hand or by rule."""
    has_project: bool = False
    """True if the project itself was erased."""
    person_id: int | None = None
    """The person who asked for it; None for the command line."""


async def add_replays_line(
    connection: AsyncConnection, erasure: Erasure, keys: Sequence[ReplayKey], *, at: datetime
) -> None:
    """Note that replays were erased."""
    for first in range(0, len(keys), _IDS_PER_LINE):
        ids = tuple(key.replay_id for key in keys[first : first + _IDS_PER_LINE])
        await _add_line(connection, _make_line(erasure, at, replays=ids))


async def add_records_line(
    connection: AsyncConnection,
    erasure: Erasure,
    ids: Mapping[str, Sequence[str]],
    *,
    at: datetime,
) -> None:
    """Note that records were erased, by table."""
    records = {table: tuple(of_table) for table, of_table in ids.items() if of_table}
    if records:
        await _add_line(connection, _make_line(erasure, at, records=records))


async def add_users_line(
    connection: AsyncConnection, erasure: Erasure, hashes: Sequence[str], *, at: datetime
) -> None:
    """Note that hashes of users were erased."""
    if hashes:
        await _add_line(connection, _make_line(erasure, at, users=tuple(hashes)))


async def add_project_line(connection: AsyncConnection, erasure: Erasure, *, at: datetime) -> None:
    """Note that a whole project was erased."""
    await _add_line(connection, _make_line(erasure, at, has_project=True))


async def add_issue_line(
    connection: AsyncConnection, key: IssueKey, *, person_id: PersonId, at: datetime
) -> None:
    """Note that an issue was deleted."""
    await _add_line(
        connection, LogLine(NO_ERASURE, at, key[0], issues=(key[1],), person_id=person_id)
    )


async def add_debug_files_line(
    connection: AsyncConnection,
    project_id: ProjectId,
    file_ids: Sequence[DebugFileId],
    *,
    person_id: PersonId | None,
    at: datetime,
) -> None:
    """Note that debug files were deleted.

    Args:
        connection: The transaction that deletes them.
        project_id: Their project.
        file_ids: Their ids.
        person_id: The person who did it; None for a rule.
        at: The time.
    """
    for first in range(0, len(file_ids), _IDS_PER_LINE):
        ids = tuple(file_ids[first : first + _IDS_PER_LINE])
        await _add_line(
            connection, LogLine(NO_ERASURE, at, project_id, debug_files=ids, person_id=person_id)
        )


async def is_any_waiting(connection: AsyncConnection) -> bool:
    """Tell whether a line is not in the file yet."""
    return bool(await connection.scalar(select(exists().select_from(erasure_log_lines))))


async def take_lines(
    connection: AsyncConnection, *, limit: int
) -> list[tuple[int, Mapping[str, Any]]]:
    """Lock and read lines that are not in the file yet, with their ids, the oldest first."""
    rows = await connection.execute(
        select(erasure_log_lines)
        .order_by(erasure_log_lines.c.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    return [(row.id, row.body) for row in rows]


async def delete_lines(connection: AsyncConnection, ids: Sequence[int]) -> None:
    """Delete lines that are in the file."""
    await connection.execute(delete(erasure_log_lines).where(erasure_log_lines.c.id.in_(ids)))


async def count_waiting_lines(connection: AsyncConnection, erasure_id: int) -> int:
    """Count the lines of an erasure that are not in the file yet."""
    body = erasure_log_lines.c.body["erasure_id"].as_integer()
    waiting = await connection.scalar(
        select(func.count()).select_from(erasure_log_lines).where(body == erasure_id)
    )
    return int(waiting or 0)


def _make_line(erasure: Erasure, at: datetime, **what: Any) -> LogLine:
    person_id: PersonId | None = erasure.requested_by
    project_id: ProjectId = erasure.project_id
    return LogLine(erasure_id=erasure.id, at=at, project_id=project_id, person_id=person_id, **what)


async def _add_line(connection: AsyncConnection, line: LogLine) -> None:
    await connection.execute(insert(erasure_log_lines).values(body=msgspec.to_builtins(line)))
