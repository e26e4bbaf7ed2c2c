"""Erases single events, and takes them out of everything that counts them in their issues.

    lock issues ─► delete events ─► files into the outbox
                └► for each issue: events, hours, users, releases, named replays, first, last
                └► links that rested on a deleted event: deleted, to be made again by the caller

Counts are subtracted, not counted anew: an issue counts events that retention has deleted since.
An issue whose last event goes is deleted, since its title may be what had to go.
"""

import uuid
from collections import Counter, defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ARRAY, BigInteger, DateTime, Text, bindparam, text
from sqlalchemy.engine import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.ids import EventId, IssueId, ProjectId, ReplayId
from app.db.record_scans import RecordSource
from app.db.types import Hex32
from app.issues import counting, replay_links
from app.issues.erase import delete_issue_counts
from app.issues.event_rows import to_hex
from app.issues.model import IssueKey
from app.issues.tables import events

EVENT_RECORDS: Final = RecordSource(
    events,
    texts=("title", "culprit", "exception_value"),
    packed=("payload",),
    user="recorded_user",
)
"""Where an event may name a person."""

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
_OF_ISSUE: Final = "project_id = :project_id and issue_id = cast(:issue_id as uuid)"
_SUBTRACT: Final = text(
    f"""
    update issues set events = greatest(events - :events, 0), users = greatest(users - :users, 0),
        replays = greatest(replays - :replays, 0)
    where {_OF_ISSUE}
    """  # noqa: S608 - joined from constants
)
_SUBTRACT_HOURS: Final = text(
    f"""
    with gone as (select * from unnest(:hours, :quantities) as g (hour, quantity)),
    changed as (
        update issue_hours h set events = h.events - g.quantity from gone g
        where {_OF_ISSUE} and h.hour = g.hour and h.events > g.quantity
        returning h.hour
    )
    delete from issue_hours h using gone g
    where {_OF_ISSUE} and h.hour = g.hour and h.events <= g.quantity
    """  # noqa: S608 - joined from constants
).bindparams(
    bindparam("hours", type_=ARRAY(DateTime(timezone=True))),
    bindparam("quantities", type_=ARRAY(BigInteger)),
)
_BEST_NAME: Final = "coalesce({}, {}, {}, {})".format(
    *(f"nullif(recorded_user->>'{name}', '')" for name in counting.USER_NAMES)
)
"""The most reliable name of a user, by which `counting` hashes it."""
_USERS_LEFT: Final = text(
    f"""
    select distinct recorded_user from events
    where {_OF_ISSUE} and recorded_user <> '{{}}' and {_BEST_NAME} = any(:names)
    """  # noqa: S608 - joined from constants
).bindparams(bindparam("names", type_=ARRAY(Text)))
_DELETE_USERS: Final = text(
    f"delete from issue_users where {_OF_ISSUE} and user_hash = any(:hashes)"  # noqa: S608 - as above
).bindparams(bindparam("hashes", type_=ARRAY(Hex32)))
_DELETE_RELEASES: Final = text(
    f"""
    delete from issue_releases r
    where {_OF_ISSUE} and release = any(:releases) and not exists (
        select from events e
        where e.project_id = r.project_id and e.issue_id = r.issue_id and e.release = r.release
    )
    """  # noqa: S608 - joined from constants
).bindparams(bindparam("releases", type_=ARRAY(Text)))
_DELETE_REPLAYS: Final = text(
    f"""
    delete from issue_replays r
    where {_OF_ISSUE} and replay_id = any(:replay_ids) and not exists (
        select from events e
        where e.replay_id = r.replay_id and e.project_id = r.project_id
          and e.issue_id = r.issue_id
    )
    """  # noqa: S608 - joined from constants
).bindparams(bindparam("replay_ids", type_=ARRAY(Hex32)))
_SEEN_AT: Final = f"""
    case when at + drift_ms * interval '1 ms'
              between received_at - interval '{counting.OLDEST.days} days' and received_at
         then at + drift_ms * interval '1 ms' else received_at end
"""
"""When an event happened, by the rule of `counting.find_seen_at`."""
_SET_EXTREMES: Final = text(
    f"""
    with seen as (
        select event_id, release, level, kind, title, culprit, platform, {_SEEN_AT} as seen_at
        from events where {_OF_ISSUE}
    ),
    first as (select * from seen order by seen_at, event_id limit 1),
    last as (select * from seen order by seen_at desc, event_id desc limit 1)
    update issues i set
        first_seen_at = f.seen_at, first_event_id = f.event_id, first_release = f.release,
        last_seen_at = l.seen_at, last_event_id = l.event_id, last_release = l.release,
        level = l.level, kind = l.kind, title = l.title, culprit = l.culprit,
        platform = l.platform
    from first f, last l
    where i.project_id = :project_id and i.issue_id = cast(:issue_id as uuid)
    """  # noqa: S608 - joined from constants
)
_UNLINK: Final = text(
    """
    with gone as (
        delete from issue_links where project_id = :project_id and event_id = any(:event_ids)
          and replay_id = any(:replay_ids)
        returning project_id, issue_id, replay_project_id, replay_id
    ),
    counted as (
        select project_id, issue_id, replay_project_id, count(*) as replays
        from gone group by 1, 2, 3 order by 1, 2, 3
    ),
    subtracted as (
        update issue_link_counts c set replays = greatest(c.replays - g.replays, 0)
        from counted g
        where c.project_id = g.project_id and c.issue_id = g.issue_id
          and c.replay_project_id = g.replay_project_id
    )
    select distinct replay_id from gone
    """
).bindparams(_IDS, bindparam("replay_ids", type_=ARRAY(Hex32)))
_LINKED: Final = text(
    """
    select distinct replay_id from issue_links
    where project_id = :project_id and issue_id = any(:issue_ids) and event_id = any(:event_ids)
    """
).bindparams(_IDS, bindparam("issue_ids", type_=ARRAY(Hex32)))


@dataclass(frozen=True, slots=True)
class ErasedEvents:
    """How much was erased with some events."""

    event_ids: tuple[EventId, ...] = ()
    issues: int = 0
    """Issues that had no other event."""
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
        event_ids: Which events; those that are gone already are left out.
        at: The time of the deletion.

    Returns:
        How much was erased. The caller links the replays in it anew, in the same transaction.
    """
    if not event_ids:
        return ErasedEvents()
    which = {"project_id": project_id, "event_ids": sorted(event_ids)}
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
    deleted_issues = 0
    for issue_id in sorted(by_issue.keys() & issues.keys()):
        deleted_issues += await _correct_issue(
            connection, (project_id, issue_id), issues[issue_id], by_issue[issue_id]
        )
    replay_ids = await _unlink(connection, which, sorted(by_issue))
    return ErasedEvents(
        event_ids=tuple(EventId(to_hex(row.event_id)) for row in rows),
        issues=deleted_issues,
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
) -> int:
    """Take deleted events out of their issue; returns 1 if that deleted the issue."""
    where = {"project_id": key[0], "issue_id": uuid.UUID(hex=key[1])}
    if issue.events <= len(gone):
        await delete_issue_counts(connection, key)
        return 1
    gone_ids = {row.event_id for row in gone}
    if gone_ids & {issue.first_event_id, issue.last_event_id}:
        corrected = await connection.execute(_SET_EXTREMES, where)
        if not corrected.rowcount:
            await delete_issue_counts(connection, key)
            return 1
    replay_ids = [row.replay_id.hex for row in gone if row.replay_id]
    named = await connection.execute(_DELETE_REPLAYS, {**where, "replay_ids": replay_ids})
    users = await _delete_users(connection, key, where, gone)
    releases = [row.release for row in gone if row.release]
    await connection.execute(_DELETE_RELEASES, {**where, "releases": releases})
    hours = Counter(
        counting.find_seen_at(row).replace(minute=0, second=0, microsecond=0) for row in gone
    )
    await connection.execute(
        _SUBTRACT_HOURS, {**where, "hours": list(hours), "quantities": list(hours.values())}
    )
    await connection.execute(
        _SUBTRACT,
        {**where, "events": len(gone), "users": users, "replays": named.rowcount},
    )
    return 0


async def _delete_users(
    connection: AsyncConnection, key: IssueKey, where: dict[str, Any], gone: Sequence[Row[Any]]
) -> int:
    """Delete the users of an issue that no event of it has any more; returns their number."""
    users = [row.recorded_user for row in gone if row.recorded_user]
    hashes = _hash_users(key[0], users)
    if not hashes:
        return 0
    names = sorted({name for user in users if (name := counting.find_best_name(user))})
    left = await connection.scalars(_USERS_LEFT, {**where, "names": names})
    hashes -= _hash_users(key[0], left.all())
    deleted = await connection.execute(_DELETE_USERS, {**where, "hashes": sorted(hashes)})
    return deleted.rowcount


def _hash_users(project_id: ProjectId, users: Collection[Any]) -> set[str]:
    hashes = (counting.hash_user_names(project_id, user) for user in users)
    return {names[0] for names in hashes if names}


async def _unlink(
    connection: AsyncConnection, which: dict[str, Any], issue_ids: Sequence[IssueId]
) -> tuple[ReplayId, ...]:
    """Delete the links that rest on deleted events; returns the replays that lost one."""
    linked = await connection.scalars(_LINKED, {**which, "issue_ids": list(issue_ids)})
    replay_ids = sorted(to_hex(replay_id) for replay_id in linked)
    if not replay_ids:
        return ()
    await replay_links.lock_links(connection, replay_ids)
    gone = await connection.scalars(_UNLINK, {**which, "replay_ids": replay_ids})
    return tuple(ReplayId(to_hex(replay_id)) for replay_id in gone)
