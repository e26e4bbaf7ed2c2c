"""Erases an issue: its rows, its events, and the files that came with them.

The sweep removes the objects of the files afterwards; until then their keys wait in `file_outbox`.
A phone may meanwhile send the same file of the same event once more: it gets another object.

A key stays in the outbox for an hour after the sweep, for the release before, which used the key of
a file again: it looks there when it has stored a file, and puts an object again that may be gone.
"""

import re
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from sqlalchemy import (
    BigInteger,
    Text,
    bindparam,
    delete,
    exists,
    func,
    or_,
    select,
    text,
    update,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.ids import ProjectId
from app.db.types import Hex32
from app.issues.model import Attachment, IssueKey
from app.issues.tables import (
    attachments,
    file_outbox,
    issue_hours,
    issue_link_counts,
    issue_links,
    issue_releases,
    issue_replays,
    issue_tickets,
    issue_users,
    issues,
)

_KEPT_AFTER_SWEEP: Final = timedelta(hours=1)
"""No batch of the release before takes that long from putting its objects to writing its rows."""
_REPEATED_KEY: Final = re.compile(r"(\d{4}-\d{2}-\d{2})/\d+/e/")
_REPEATED_FOR: Final = timedelta(days=3)
"""The time for which a batch of the release before may have a day, with much room."""
_SHARE: Final = 16
"""A process takes one in so many of the oldest files, at random, so that others take others."""
_COUNT_TABLES: Final = (
    issue_hours,
    issue_users,
    issue_replays,
    issue_releases,
    issue_links,
    issue_link_counts,
    issue_tickets,
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
    with erased as (
        delete from events where project_id = :project_id and issue_id = :issue_id
        returning event_id
    ),
    files as (
        delete from attachments a using erased e
        where a.project_id = :project_id and a.event_id = e.event_id
        returning a.event_id, a.object_key, a.size_bytes
    ),
    outgoing as (
        insert into file_outbox (project_id, event_id, object_key, added_at)
        select distinct cast(:project_id as bigint), event_id, object_key,
            cast(:at as timestamptz)
        from files
    )
    select (select count(*) from erased) as events, (select count(*) from files) as files,
        (select coalesce(sum(size_bytes), 0)::bigint from files) as size_bytes
    """
)
_DISCARD: Final = text(
    """
    insert into file_outbox (project_id, event_id, object_key, added_at)
    select distinct f.project_id, f.event_id, f.object_key, cast(:at as timestamptz)
    from unnest(:project_ids, :event_ids, :object_keys) as f (project_id, event_id, object_key)
    where not exists (
        select from attachments a
        where a.project_id = f.project_id and a.event_id = f.event_id
          and a.object_key = f.object_key
    )
    """
).bindparams(
    bindparam("project_ids", type_=ARRAY(BigInteger)),
    bindparam("event_ids", type_=ARRAY(Hex32)),
    bindparam("object_keys", type_=ARRAY(Text)),
)
_OUTGOING: Final = text(
    """
    select f.id, f.object_key, exists (
        select from attachments a
        where a.project_id = f.project_id and a.event_id = f.event_id
          and a.object_key = f.object_key
    ) as is_needed
    from (
        select * from (
            select id, project_id, event_id, object_key from file_outbox
            where swept_at is null order by id limit :oldest
        ) as oldest
        order by random() limit :most
    ) as f
    """
)


@dataclass(frozen=True, slots=True)
class ErasedIssue:
    """Counts of what was erased with an issue."""

    events: int
    files: int
    size_bytes: int


@dataclass(frozen=True, slots=True)
class OutgoingFile:
    """An object in the outbox that the sweep is to remove."""

    id: int
    object_key: str
    is_needed: bool
    """True if a row points at the object again, so that it must stay."""

    def may_be_put_again(self, now: datetime) -> bool:
        """Tell whether the release before may put an object with this key once more.

        It made the key of a file of the day, project, event and content. It looks into the outbox
        when it has put such a file, and waits for who has locked its entry there.
        """
        match = _REPEATED_KEY.match(self.object_key)
        return match is not None and match[1] > f"{now - _REPEATED_FOR:%Y-%m-%d}"


async def count_files(connection: AsyncConnection, key: IssueKey) -> tuple[int, int]:
    """Return how many files the events of an issue have, and the sum of their bytes."""
    row = (await connection.execute(_FILES, _key_parameters(key))).one()
    return row.files, row.size_bytes


async def erase_issue_rows(
    connection: AsyncConnection, key: IssueKey, *, at: datetime
) -> ErasedIssue | None:
    """Delete every row of an issue, and put the objects of its files into the outbox.

    Returns:
        How much was erased; None if there was no such issue.
    """
    # Its own row first: digest waits for that row, and then begins the issue anew.
    if not await delete_issue_counts(connection, key):
        return None
    row = (await connection.execute(_ERASE, {**_key_parameters(key), "at": at})).one()
    return ErasedIssue(row.events, row.files, row.size_bytes)


async def delete_issue_counts(connection: AsyncConnection, key: IssueKey) -> bool:
    """Delete the row of an issue and all that is counted of it, but not its events.

    Returns:
        True if there was such an issue.
    """
    deleted = await connection.execute(
        delete(issues)
        .where(issues.c.project_id == key[0], issues.c.issue_id == key[1])
        .returning(issues.c.issue_id)
    )
    if deleted.first() is None:
        return False
    for table in _COUNT_TABLES:
        await connection.execute(
            delete(table).where(table.c.project_id == key[0], table.c.issue_id == key[1])
        )
    return True


async def is_any_file_waiting(connection: AsyncConnection, at: datetime) -> bool:
    """Tell whether a file waits for the sweep, or the mark of an older one for its end."""
    # Two questions, as each has an index; an "or" may be answered by reading the whole table.
    is_unswept = exists().where(file_outbox.c.swept_at.is_(None))
    is_over = exists().where(file_outbox.c.swept_at < at - _KEPT_AFTER_SWEEP)
    return bool(await connection.scalar(select(or_(is_unswept, is_over))))


async def list_outgoing_files(connection: AsyncConnection, *, limit: int) -> list[OutgoingFile]:
    """Read some of the oldest files in the outbox that are not swept yet, which may be all."""
    rows = await connection.execute(_OUTGOING, {"most": limit, "oldest": limit * _SHARE})
    return [OutgoingFile(row.id, row.object_key, row.is_needed) for row in rows]


async def lock_outgoing_files(
    connection: AsyncConnection, ids: Sequence[int]
) -> list[OutgoingFile]:
    """Lock and read those of some files in the outbox that are not swept yet."""
    if not ids:
        return []
    is_needed = select(attachments.c.sha256).where(
        attachments.c.project_id == file_outbox.c.project_id,
        attachments.c.event_id == file_outbox.c.event_id,
        attachments.c.object_key == file_outbox.c.object_key,
    )
    rows = await connection.execute(
        select(file_outbox.c.id, file_outbox.c.object_key, is_needed.exists().label("needed"))
        .where(file_outbox.c.id.in_(ids), file_outbox.c.swept_at.is_(None))
        .order_by(file_outbox.c.id)
        .with_for_update(of=file_outbox, skip_locked=True)
    )
    return [OutgoingFile(row.id, row.object_key, row.needed) for row in rows]


async def count_unswept_files(
    connection: AsyncConnection, project_id: ProjectId, *, since: datetime
) -> int:
    """Count the files of a project that were deleted since a moment and are not removed yet."""
    waiting = await connection.scalar(
        select(func.count())
        .select_from(file_outbox)
        .where(
            file_outbox.c.project_id == project_id,
            file_outbox.c.added_at >= since,
            file_outbox.c.swept_at.is_(None),
        )
    )
    return int(waiting or 0)


async def has_unswept_files_of_day(
    connection: AsyncConnection, project_id: ProjectId, day: date
) -> bool:
    """Tell whether a deleted file of a project whose key begins with a day is not removed yet."""
    is_waiting = exists().where(
        file_outbox.c.project_id == project_id,
        file_outbox.c.object_key.startswith(f"{day:%Y-%m-%d}/"),
        file_outbox.c.swept_at.is_(None),
    )
    return bool(await connection.scalar(select(is_waiting)))


async def find_waiting_objects(connection: AsyncConnection, object_keys: Sequence[str]) -> set[str]:
    """Return those of some objects that wait in the outbox for the sweep."""
    return set(
        await connection.scalars(
            select(file_outbox.c.object_key).where(
                file_outbox.c.object_key.in_(object_keys), file_outbox.c.swept_at.is_(None)
            )
        )
    )


async def mark_files_swept(
    connection: AsyncConnection, ids: Sequence[int], *, at: datetime
) -> None:
    """Mark files of the outbox as removed, or as needed, and delete old marks."""
    # Two processes may have removed the same file. They lock in one order, and neither waits.
    here = (
        select(file_outbox.c.id)
        .where(file_outbox.c.id.in_(ids))
        .order_by(file_outbox.c.id)
        .with_for_update(skip_locked=True)
    )
    await connection.execute(
        update(file_outbox).where(file_outbox.c.id.in_(here)).values(swept_at=at)
    )
    await connection.execute(
        delete(file_outbox).where(file_outbox.c.swept_at < at - _KEPT_AFTER_SWEEP)
    )


async def discard_files(
    connection: AsyncConnection, files: Sequence[Attachment], *, at: datetime
) -> None:
    """Hand the objects of files to the sweep, except those that rows point at.

    Args:
        connection: The transaction of the caller.
        files: Files that were there already, or whose batch was not stored.
        at: The time.
    """
    if files:
        await connection.execute(
            _DISCARD,
            {
                "project_ids": [file.project_id for file in files],
                "event_ids": [file.event_id for file in files],
                "object_keys": [file.object_key for file in files],
                "at": at,
            },
        )


def _key_parameters(key: IssueKey) -> dict[str, object]:
    return {"project_id": key[0], "issue_id": uuid.UUID(hex=key[1])}
