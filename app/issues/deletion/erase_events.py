"""Erases single events, and takes them out of everything that counts them in their issues.

    lock issues ─► delete events ─► files into the outbox
                └► for each issue: events, hours, users, releases, named replays, first, last
                └► links that rested on a deleted event: deleted, to be made again by the caller

Counts are subtracted, not counted anew: an issue counts events that retention has deleted since.
An issue whose last event goes is deleted, since its title may be what had to go.
"""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ARRAY, ColumnElement, bindparam, text
from sqlalchemy.engine import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.ids import EventId, IssueId, ProjectId, ReplayId
from app.db.record_scans import RecordSource
from app.db.types import Hex32
from app.issues.counts import uncounting
from app.issues.deletion.erase import delete_issue_counts
from app.issues.events.event_rows import to_hex
from app.issues.model import IssueKey
from app.issues.tables import events

EVENT_RECORDS: Final = RecordSource(
    events,
    texts=("title", "culprit", "exception_value"),
    packed=("payload",),
    user="recorded_user",
)
"""The columns and texts in which an event may name a person."""

_IDS: Final = bindparam("event_ids", type_=ARRAY(Hex32))
_ISSUES: Final = text(
    """
    select i.issue_id, i.events, i.first_event_id, i.last_event_id from issues i
    where i.project_id = :project_id and i.issue_id in (
        select e.issue_id from events e
        where e.project_id = :project_id and e.event_id = any(:event_ids)
    )
    order by i.issue_id for update
    """
).bindparams(_IDS)
_DELETE: Final = text(
    """
    delete from events where project_id = :project_id and event_id = any(:event_ids)
    returning event_id, issue_id, at, drift_ms, received_at, recorded_user, release, replay_id,
        octet_length(payload) as size_bytes
    """
).bindparams(_IDS)
_DELETE_FILES: Final = text(
    """
    with gone as (
        delete from attachments where project_id = :project_id and event_id = any(:event_ids)
        returning event_id, object_key, size_bytes
    ),
    outgoing as (
        insert into file_outbox (project_id, event_id, object_key, added_at)
        select distinct cast(:project_id as bigint), event_id, object_key,
            cast(:at as timestamptz)
        from gone
    )
    select count(*) as files, coalesce(sum(size_bytes), 0)::bigint as size_bytes from gone
    """
).bindparams(_IDS)
_EVENTS_WITH_FILES: Final = text(
    "select event_id from attachments where project_id = :project_id limit :limit"
)


def is_of_issue(issue_id: IssueId) -> ColumnElement[bool]:
    """Return the condition of `EVENT_RECORDS` that belong to an issue."""
    return events.c.issue_id == issue_id


@dataclass(frozen=True, slots=True)
class ErasedEvents:
    """Counts of what was erased with some events."""

    event_ids: tuple[EventId, ...] = ()
    issue_ids: tuple[IssueId, ...] = ()
    """Issues that had no other event, and are gone."""
    files: int = 0
    size_bytes: int = 0
    """Bytes of payloads and files."""
    replays_to_link: tuple[ReplayId, ...] = ()
    """Replays that other events of the same issues may still lead to."""


async def erase_events(
    connection: AsyncConnection,
    project_id: ProjectId,
    event_ids: Collection[EventId],
    *,
    at: datetime,
) -> ErasedEvents:
    """Delete events with their files, and correct their issues.

    Args:
        connection: The transaction of the caller.
        project_id: The project of the events.
        event_ids: The events; those that are gone already are left out.
        at: The time of the deletion.

    Returns:
        How much was erased. The caller links the replays in it anew, in the same transaction.
    """
    if not event_ids:
        return ErasedEvents()
    ordered = sorted(event_ids)
    which = {"project_id": project_id, "event_ids": ordered}
    # Issues first, in one order: digest waits for them, and then counts on from what is left.
    issues = {
        IssueId(to_hex(row.issue_id)): row for row in (await connection.execute(_ISSUES, which))
    }
    rows = (await connection.execute(_DELETE, which)).all()
    files = (await connection.execute(_DELETE_FILES, {**which, "at": at})).one()
    by_issue: defaultdict[IssueId, list[Row[Any]]] = defaultdict(list)
    for row in rows:
        if row.issue_id is not None:
            by_issue[IssueId(to_hex(row.issue_id))].append(row)
    deleted: list[IssueId] = []
    for issue_id in sorted(by_issue.keys() & issues.keys()):
        key = (project_id, issue_id)
        if await _correct_issue(connection, key, issues[issue_id], by_issue[issue_id]):
            deleted.append(issue_id)
    replay_ids = await uncounting.unlink_events(connection, project_id, ordered, sorted(by_issue))
    return ErasedEvents(
        event_ids=tuple(EventId(to_hex(row.event_id)) for row in rows),
        issue_ids=tuple(deleted),
        files=files.files,
        size_bytes=sum(row.size_bytes for row in rows) + files.size_bytes,
        replays_to_link=replay_ids,
    )


async def erase_files(
    connection: AsyncConnection,
    project_id: ProjectId,
    event_ids: Collection[EventId],
    *,
    at: datetime,
) -> tuple[int, int]:
    """Delete the files that came with some feedback or events; returns their number and bytes."""
    if not event_ids:
        return 0, 0
    which = {"project_id": project_id, "event_ids": sorted(event_ids), "at": at}
    files = (await connection.execute(_DELETE_FILES, which)).one()
    return files.files, files.size_bytes


async def erase_files_of_project(
    connection: AsyncConnection, project_id: ProjectId, *, at: datetime, limit: int
) -> tuple[int, int]:
    """Delete some files of a project, whatever they came with; returns their number and bytes."""
    which = {"project_id": project_id, "at": at, "limit": limit}
    event_ids = await connection.scalars(_EVENTS_WITH_FILES, which)
    ids = [EventId(to_hex(event_id)) for event_id in event_ids]
    return await erase_files(connection, project_id, ids, at=at)


async def _correct_issue(
    connection: AsyncConnection, key: IssueKey, issue: Row[Any], gone: Sequence[Row[Any]]
) -> bool:
    """Take deleted events out of their issue; returns whether that deleted the issue."""
    if issue.events <= len(gone):
        await delete_issue_counts(connection, key)
        return True
    gone_ids = {row.event_id for row in gone}
    if gone_ids & {issue.first_event_id, issue.last_event_id}:
        is_left = await uncounting.replace_first_and_last(
            connection, key, [EventId(to_hex(event_id)) for event_id in gone_ids]
        )
        if not is_left:
            await delete_issue_counts(connection, key)
            return True
    await uncounting.uncount_events(connection, key, gone)
    return False
