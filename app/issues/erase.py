"""Taking an issue out: its events, what is counted of it, and the files that came with them.

The files' objects go afterwards, by the sweep: their keys wait in `file_outbox`. A phone may send
the same file of the same event once more meanwhile. Digest puts the object before the row by which
the sweep knows that it is needed, so the sweep may remove what was just put: its key therefore
stays on the list for an hour, and digest, its row written, puts again what it finds there.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import delete, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from app.issues.model import IssueKey
from app.issues.tables import (
    attachments,
    file_outbox,
    issue_hours,
    issue_link_counts,
    issue_links,
    issue_releases,
    issue_replays,
    issue_users,
    issues,
)

_REMEMBERED: Final = timedelta(hours=1)
"""No batch is that long on its way from its objects to its rows."""
_COUNTED: Final = (
    issue_hours,
    issue_users,
    issue_replays,
    issue_releases,
    issue_links,
    issue_link_counts,
)
_FILES: Final = text(
    """
    select count(*) as files, coalesce(sum(a.size_bytes), 0)::bigint as size_bytes
    from events e join attachments a using (project_id, event_id)
    where e.project_id = :project_id and e.issue_id = :issue_id
    """
)
_ERASE: Final = text(
    """
    with gone as (
        delete from events where project_id = :project_id and issue_id = :issue_id
        returning event_id
    ),
    files as (
        delete from attachments a using gone g
        where a.project_id = :project_id and a.event_id = g.event_id
        returning a.event_id, a.object_key, a.size_bytes
    ),
    noted as (
        insert into file_outbox (project_id, event_id, object_key, added_at)
        select distinct cast(:project_id as bigint), event_id, object_key,
            cast(:at as timestamptz)
        from files
    )
    select (select count(*) from gone) as events, (select count(*) from files) as files,
        (select coalesce(sum(size_bytes), 0)::bigint from files) as size_bytes
    """
)


@dataclass(frozen=True, slots=True)
class ErasedIssue:
    """What went."""

    events: int
    files: int
    size_bytes: int


@dataclass(frozen=True, slots=True)
class OutgoingFile:
    """An object to be removed; `is_needed` when a row points at it after all."""

    id: int
    object_key: str
    is_needed: bool


async def count_files(connection: AsyncConnection, key: IssueKey) -> tuple[int, int]:
    """Count the files of an issue's events: how many, and their bytes."""
    row = (await connection.execute(_FILES, _key_parameters(key))).one()
    return row.files, row.size_bytes


async def erase_issue_rows(
    connection: AsyncConnection, key: IssueKey, *, at: datetime
) -> ErasedIssue | None:
    """Take out every row of an issue, and note the objects of its files for removal.

    Returns:
        What went; None when there was no such issue.
    """
    # Its row first: digest waits for it, and then begins the issue anew.
    gone = await connection.execute(
        delete(issues)
        .where(issues.c.project_id == key[0], issues.c.issue_id == key[1])
        .returning(issues.c.issue_id)
    )
    if gone.first() is None:
        return None
    row = (await connection.execute(_ERASE, {**_key_parameters(key), "at": at})).one()
    for table in _COUNTED:
        await connection.execute(
            delete(table).where(table.c.project_id == key[0], table.c.issue_id == key[1])
        )
    return ErasedIssue(row.events, row.files, row.size_bytes)


async def lock_outgoing_files(connection: AsyncConnection, *, limit: int) -> list[OutgoingFile]:
    """Lock and read objects of files that are still to be removed, the oldest first."""
    is_needed = select(attachments.c.sha256).where(
        attachments.c.project_id == file_outbox.c.project_id,
        attachments.c.event_id == file_outbox.c.event_id,
        attachments.c.object_key == file_outbox.c.object_key,
    )
    found = await connection.execute(
        select(file_outbox.c.id, file_outbox.c.object_key, is_needed.exists().label("needed"))
        .where(file_outbox.c.swept_at.is_(None))
        .order_by(file_outbox.c.id)
        .limit(limit)
        .with_for_update(of=file_outbox, skip_locked=True)
    )
    return [OutgoingFile(row.id, row.object_key, row.needed) for row in found]


async def mark_files_swept(
    connection: AsyncConnection, done: Sequence[int], *, at: datetime
) -> None:
    """Note what is removed or needed, and forget what was noted long ago."""
    await connection.execute(
        update(file_outbox).where(file_outbox.c.id.in_(done)).values(swept_at=at)
    )
    await connection.execute(delete(file_outbox).where(file_outbox.c.swept_at < at - _REMEMBERED))


async def withdraw_outgoing_files(
    connection: AsyncConnection, object_keys: Sequence[str]
) -> set[str]:
    """Take objects off the list, since rows point at them again; waits for a sweep of them.

    Returns:
        Those that were on it: they may be gone, so they must be put again.
    """
    if not object_keys:
        return set()
    found = await connection.execute(
        delete(file_outbox)
        .where(file_outbox.c.object_key.in_(object_keys))
        .returning(file_outbox.c.object_key)
    )
    return set(found.scalars())


def _key_parameters(key: IssueKey) -> dict[str, object]:
    return {"project_id": key[0], "issue_id": uuid.UUID(hex=key[1])}
