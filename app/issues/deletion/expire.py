"""Ends issues whose last event has expired, and what is counted by time; the caller commits.

The numbers of an issue count all that it ever had, so they do not fall when events expire. An issue
goes when no event of it is left.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from sqlalchemy import bindparam, delete, select, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.ids import EventId, IssueId, ProjectId
from app.db.types import Hex32
from app.issues.deletion.erase import delete_issue_counts
from app.issues.model import IssueKey
from app.issues.tables import issue_tombstones

_ENDED: Final = text(
    """
    select i.issue_id, i.title, i.events from issues i
    where i.project_id = :project_id and i.last_seen_at < :before
      and not exists (
        select from events e where e.project_id = i.project_id and e.issue_id = i.issue_id
      )
    order by i.issue_id limit :most for update of i
    """
)
_MARK: Final = text(
    """
    insert into issue_tombstones (project_id, issue_id, expired_at, rule, title, events)
    values (:project_id, cast(:issue_id as uuid), :at, :rule, :title, :events)
    on conflict (project_id, issue_id) do update set
        expired_at = excluded.expired_at, rule = excluded.rule, title = excluded.title,
        events = excluded.events
    """
)
_EXPIRE_FILES: Final = text(
    """
    with gone as (
        delete from attachments where day = :day and retention_class = :retention_class
          and ctid = any(array(
            select ctid from attachments
            where day = :day and retention_class = :retention_class and project_id = :project_id
              and event_id <> all(cast(:spared as uuid[]))
            limit :most
          ))
        returning project_id, event_id, object_key
    ),
    outgoing as (
        insert into file_outbox (project_id, event_id, object_key, added_at)
        select distinct project_id, event_id, object_key, cast(:at as timestamptz) from gone
    )
    select count(*) from gone
    """
)
_RELEASE_FILES: Final = text(
    """
    insert into file_outbox (project_id, event_id, object_key, added_at)
    select distinct project_id, event_id, object_key, cast(:at as timestamptz)
    from attachments where day = :day and retention_class = :retention_class
    """
)
_DELETE_HOURS: Final = text(
    """
    delete from issue_hours where ctid = any(array(
        select ctid from issue_hours where project_id = :project_id and hour < :before limit :most
    ))
    """
)
_LIVING: Final = text(
    """
    select event_id from events where project_id = :project_id and event_id = any(:ids)
    union select issue_id from issues where project_id = :project_id and issue_id = any(:ids)
    union select issue_id from issue_moves where project_id = :project_id and issue_id = any(:ids)
    """
).bindparams(bindparam("ids", type_=ARRAY(Hex32)))


@dataclass(frozen=True, slots=True)
class IssueTombstone:
    """The mark that an issue leaves whose last event has expired."""

    expired_at: datetime
    rule: str
    title: str
    events: int


async def expire_issues(
    connection: AsyncConnection,
    project_id: ProjectId,
    *,
    before: datetime,
    rule: str,
    at: datetime,
    limit: int,
) -> int:
    """Delete issues without events that were last seen before a time; returns how many there were.

    Args:
        connection: The transaction of the caller.
        project_id: The project.
        before: The end of the last day that has expired.
        rule: The rule by which it did.
        at: The time of the deletion.
        limit: Issues at most.
    """
    parameters = {"project_id": project_id, "before": before, "most": limit}
    ended = (await connection.execute(_ENDED, parameters)).all()
    for row in ended:
        key: IssueKey = (project_id, IssueId(row.issue_id.hex))
        await delete_issue_counts(connection, key)
        mark = {"issue_id": key[1], "rule": rule, "title": row.title, "events": row.events}
        await connection.execute(_MARK, mark | {"project_id": project_id, "at": at})
    return len(ended)


async def find_living_ids(
    connection: AsyncConnection, project_id: ProjectId, ids: Sequence[str]
) -> set[str]:
    """Return those of some ids that are an event or an issue of a project.

    An issue lives on in the one that took its place.
    """
    rows = await connection.scalars(_LIVING, {"project_id": project_id, "ids": list(ids)})
    return {row.hex for row in rows}


async def find_events_of_replays(
    connection: AsyncConnection, replay_ids: Sequence[str]
) -> list[EventId]:
    """Return the events that name one of some replays."""
    if not replay_ids:
        return []
    rows = await connection.execute(
        text("select event_id from events where replay_id = any(cast(:replay_ids as uuid[]))"),
        {"replay_ids": list(replay_ids)},
    )
    return [EventId(row.event_id.hex) for row in rows]


async def expire_issue_hours(
    connection: AsyncConnection, project_id: ProjectId, *, before: datetime, limit: int
) -> int:
    """Delete the hourly counts of a project before a time; returns how many there were."""
    deleted = await connection.execute(
        _DELETE_HOURS, {"project_id": project_id, "before": before, "most": limit}
    )
    return deleted.rowcount


async def expire_files(
    connection: AsyncConnection,
    project_id: ProjectId,
    day: date,
    retention_class: int,
    *,
    spared: Sequence[str],
    at: datetime,
    limit: int,
) -> int:
    """Delete rows of files and hand their objects to the sweep; returns how many there were.

    Args:
        connection: The transaction of the caller.
        project_id: The project.
        day: The day on which they were stored.
        retention_class: Their retention class.
        spared: Events whose files stay.
        at: The time of the deletion.
        limit: Files at most.
    """
    parameters = {
        "project_id": project_id, "day": day, "retention_class": retention_class,
        "spared": list(spared), "at": at, "most": limit,
    }  # fmt: skip
    return int(await connection.scalar(_EXPIRE_FILES, parameters) or 0)


async def release_files(
    connection: AsyncConnection, day: date, retention_class: int, *, at: datetime
) -> None:
    """Hand the objects of all files of a partition to the sweep, before it is dropped."""
    parameters = {"day": day, "retention_class": retention_class, "at": at}
    await connection.execute(_RELEASE_FILES, parameters)


async def find_living_files(
    connection: AsyncConnection, project_id: ProjectId, day: date, event_ids: Sequence[str]
) -> set[str]:
    """Return the objects of files of some events that were stored on a day and are still here."""
    rows = await connection.execute(
        text(
            "select object_key from attachments where day = :day and project_id = :project_id"
            " and event_id = any(cast(:event_ids as uuid[]))"
        ),
        {"day": day, "project_id": project_id, "event_ids": list(event_ids)},
    )
    return set(rows.scalars())


async def find_issue_tombstone(connection: AsyncConnection, key: IssueKey) -> IssueTombstone | None:
    """Return the mark of an issue whose last event has expired, if there is one."""
    rows = await connection.execute(
        select(issue_tombstones).where(
            issue_tombstones.c.project_id == key[0], issue_tombstones.c.issue_id == key[1]
        )
    )
    row = rows.first()
    return IssueTombstone(row.expired_at, row.rule, row.title, row.events) if row else None


async def delete_old_issue_tombstones(connection: AsyncConnection, before: datetime) -> int:
    """Delete the marks of issues that expired before a time; returns how many there were."""
    deleted = await connection.execute(
        delete(issue_tombstones).where(issue_tombstones.c.expired_at < before)
    )
    return deleted.rowcount


async def forget_issue_replays(connection: AsyncConnection, replay_ids: Sequence[str]) -> None:
    """Delete what issues remember of replays that have expired; their numbers stay."""
    await connection.execute(
        text("delete from issue_replays where replay_id = any(cast(:replay_ids as uuid[]))"),
        {"replay_ids": list(replay_ids)},
    )
