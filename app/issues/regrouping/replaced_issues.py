"""Issues that other issues take the place of, because the stacks of their events became clear.

issue without events ─ counts of expired events, status ─► the issue that took most of them
address of a replaced issue ─ issue_moves ─► its successor
"""

import uuid
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.ids import IssueId, ProjectId
from app.db.engine import get_driver
from app.db.types import Hex32
from app.issues.counts import counting
from app.issues.deletion.erase import delete_issue_counts
from app.issues.events.event_rows import to_hex
from app.issues.grouping import rules
from app.issues.model import IssueKey

_MOST_STEPS: Final = 20
"""Issues that replace one another in a row; a longer chain is not followed."""
# New rows have times that any event replaces. `events = i.events` locks those that are there.
_LOCK: Final = f"""
    insert into issues as i (
        project_id, issue_id, grouping_version, first_seen_at, first_event_id, last_seen_at,
        last_event_id, level, kind, title, events, users, replays
    )
    select $1, k.id, {rules.GROUPING_VERSION}, 'infinity', '{uuid.UUID(int=0)}', '-infinity',
        '{uuid.UUID(int=0)}', '', '', '', 0, 0, 0
    from unnest($2::uuid[]) as k (id) order by k.id
    on conflict (project_id, issue_id) do update set events = i.events
    returning i.issue_id, i.first_event_id, i.last_event_id, i.status, i.status_at,
        i.resolved_release, i.is_regressed, i.last_release, i.xmax = 0 as is_new,
        case when i.xmax = 0 then null else i.last_seen_at end as last_seen_at
"""  # noqa: S608 - made of constants
_DELETE_UNUSED: Final = text(
    """
    delete from issues where project_id = :project_id and issue_id = any(:issue_ids) and events = 0
    """
).bindparams(bindparam("issue_ids", type_=ARRAY(Hex32)))
_SET_STATUS: Final = text(
    """
    update issues set status = :status, status_at = :status_at,
        resolved_release = :resolved_release, is_regressed = :is_regressed
    where project_id = :project_id and issue_id = cast(:issue_id as uuid)
    """
)
_NOTE_MOVES: Final = """
    insert into issue_moves as m (project_id, issue_id, target_id, events)
    select $1, k.source, k.target, k.events
    from unnest($2::uuid[], $3::uuid[], $4::bigint[]) as k (source, target, events)
    order by 2, 3
    on conflict (project_id, issue_id, target_id) do update set
        events = m.events + excluded.events, moved_at = now()
"""
_LIST_TARGETS: Final = text(
    """
    select m.issue_id, m.target_id from issue_moves m
    join issues i on i.project_id = m.project_id and i.issue_id = m.target_id
    where m.project_id = :project_id and m.issue_id = any(:issue_ids)
      and m.target_id <> m.issue_id
    order by m.issue_id, m.events desc, m.target_id
    """
).bindparams(bindparam("issue_ids", type_=ARRAY(Hex32)))
_OF_SOURCE: Final = "project_id = :project_id and issue_id = cast(:source as uuid)"
_TO_TARGET: Final = "project_id, cast(:target as uuid)"
_HAND_OVER: Final = text(
    f"""
    with s as (select * from issues where {_OF_SOURCE}),
    hours as (
        insert into issue_hours as h (project_id, issue_id, hour, events)
        select {_TO_TARGET}, hour, events from issue_hours where {_OF_SOURCE}
        on conflict (project_id, issue_id, hour) do update set events = h.events + excluded.events
    ),
    users as (
        insert into issue_users (project_id, issue_id, user_hash)
        select {_TO_TARGET}, user_hash from issue_users where {_OF_SOURCE}
        on conflict do nothing returning 1
    ),
    named as (
        insert into issue_replays (project_id, issue_id, replay_id)
        select {_TO_TARGET}, replay_id from issue_replays where {_OF_SOURCE}
        on conflict do nothing returning 1
    ),
    shipped as (
        insert into issue_releases (project_id, issue_id, release)
        select {_TO_TARGET}, release from issue_releases where {_OF_SOURCE}
        on conflict do nothing
    ),
    linked as (
        insert into issue_links (
            project_id, issue_id, replay_project_id, replay_id, first_received_at, event_id, at,
            drift_ms, platform
        )
        select {_TO_TARGET}, replay_project_id, replay_id, first_received_at, event_id, at,
            drift_ms, platform
        from issue_links where {_OF_SOURCE}
        on conflict do nothing returning replay_project_id
    ),
    counted as (
        insert into issue_link_counts as c (project_id, issue_id, replay_project_id, replays)
        select cast(:project_id as bigint), cast(:target as uuid), replay_project_id, count(*)
        from linked group by 3
        on conflict (project_id, issue_id, replay_project_id) do update set
            replays = c.replays + excluded.replays
    ),
    kept as (
        update issue_tickets set issue_id = cast(:target as uuid) where {_OF_SOURCE}
    )
    update issues i set
        events = i.events + s.events,
        users = i.users + (select count(*) from users),
        replays = i.replays + (select count(*) from named),
        (first_seen_at, first_event_id, first_release) = (
            select f.* from (values
                (i.first_seen_at, i.first_event_id, i.first_release),
                (s.first_seen_at, s.first_event_id, s.first_release)
            ) as f (at, event_id, release) order by at, event_id limit 1
        )
    from s
    where i.project_id = :project_id and i.issue_id = cast(:target as uuid) and s.events > 0
    """  # noqa: S608 - joined from constants
)
_SUCCESSOR: Final = text(
    """
    select m.target_id from issue_moves m
    where m.project_id = :project_id and m.issue_id = cast(:issue_id as uuid)
      and m.target_id <> m.issue_id
    order by m.events desc, m.target_id limit 1
    """
)
_IS_HERE: Final = text(
    "select exists (select from issues where project_id = :project_id"
    " and issue_id = cast(:issue_id as uuid))"
)


@dataclass(frozen=True, slots=True)
class LockedIssue:
    """An issue as it was when it was locked."""

    issue_id: IssueId
    is_new: bool
    """True if it was not there before; it goes again unless events are counted in it."""
    first_event_id: str
    last_event_id: str
    last_seen_at: datetime | None
    """None if it is new."""
    last_release: str | None
    status: str
    status_at: datetime | None
    resolved_release: str | None
    is_regressed: bool

    @property
    def is_untouched(self) -> bool:
        """True if nobody has decided anything about it, and nothing has brought it back."""
        return self.status == "open" and self.status_at is None and not self.is_regressed


async def lock_issues(
    connection: AsyncConnection, project_id: ProjectId, issue_ids: Collection[IssueId]
) -> dict[IssueId, LockedIssue]:
    """Lock issues in the order in which digest does; those that do not exist are made.

    Call `delete_unused` at the end, which deletes new ones that stayed without events.
    """
    driver = await get_driver(connection)
    rows = await driver.fetch(_LOCK, project_id, sorted(issue_ids))
    return {
        IssueId(row["issue_id"].hex): LockedIssue(
            issue_id=IssueId(row["issue_id"].hex),
            is_new=row["is_new"],
            first_event_id=row["first_event_id"].hex,
            last_event_id=row["last_event_id"].hex,
            last_seen_at=row["last_seen_at"],
            last_release=row["last_release"],
            status=row["status"],
            status_at=row["status_at"],
            resolved_release=row["resolved_release"],
            is_regressed=row["is_regressed"],
        )
        for row in rows
    }


async def delete_unused(
    connection: AsyncConnection, project_id: ProjectId, locked: Mapping[IssueId, LockedIssue]
) -> None:
    """Delete the issues that `lock_issues` made, and in which nothing was counted."""
    new = [issue.issue_id for issue in locked.values() if issue.is_new]
    if new:
        which = {"project_id": project_id, "issue_ids": new}
        await connection.execute(_DELETE_UNUSED, which)


async def note_moves(
    connection: AsyncConnection,
    project_id: ProjectId,
    moves: Mapping[tuple[IssueId, IssueId], int],
) -> None:
    """Note how many events went from one issue to another one."""
    ordered = sorted(moves.items())
    await (await get_driver(connection)).execute(
        _NOTE_MOVES,
        project_id,
        [source for (source, _), _ in ordered],
        [target for (_, target), _ in ordered],
        [quantity for _, quantity in ordered],
    )


async def list_targets(
    connection: AsyncConnection, project_id: ProjectId, issue_ids: Collection[IssueId]
) -> dict[IssueId, list[IssueId]]:
    """List the issues that took events of others, and that are here; the most events come first."""
    targets: dict[IssueId, list[IssueId]] = {issue_id: [] for issue_id in issue_ids}
    which = {"project_id": project_id, "issue_ids": sorted(issue_ids)}
    for row in await connection.execute(_LIST_TARGETS, which):
        targets[IssueId(to_hex(row.issue_id))].append(IssueId(to_hex(row.target_id)))
    return targets


async def replace_issue(connection: AsyncConnection, source: IssueKey, target: IssueId) -> None:
    """Hand what is left of an issue without events to another one, and delete it.

    What is left are the counts of events that have expired, and tickets.
    """
    which = {
        "project_id": source[0],
        "source": uuid.UUID(hex=source[1]),
        "target": uuid.UUID(hex=target),
    }
    await connection.execute(_HAND_OVER, which)
    await delete_issue_counts(connection, source)


async def inherit_status(
    connection: AsyncConnection, project_id: ProjectId, source: LockedIssue, target: LockedIssue
) -> None:
    """Give an issue the status of one whose events it takes.

    An issue that was made for these events takes any status. One that was here takes it only if
    nobody has decided about it, and if its own events would not have reopened the other one.
    """
    if not target.is_new and (
        not target.is_untouched or source.status == "open" or _would_reopen(source, target)
    ):
        return
    await connection.execute(
        _SET_STATUS,
        {
            "project_id": project_id,
            "issue_id": uuid.UUID(hex=target.issue_id),
            "status": source.status,
            "status_at": source.status_at,
            "resolved_release": source.resolved_release,
            "is_regressed": source.is_regressed,
        },
    )


async def find_successor(connection: AsyncConnection, key: IssueKey) -> IssueId | None:
    """Find the issue that is here now in place of one that is not here any more.

    Returns:
        The issue that took most of its events, or the one that replaced that; None if the issue
        was not replaced, or if its successor is gone as well.
    """
    project_id, issue_id = key
    for _ in range(_MOST_STEPS):
        which: dict[str, Any] = {"project_id": project_id, "issue_id": uuid.UUID(hex=issue_id)}
        target = await connection.scalar(_SUCCESSOR, which)
        if target is None:
            return None
        issue_id = IssueId(to_hex(target))
        which["issue_id"] = uuid.UUID(hex=issue_id)
        if await connection.scalar(_IS_HERE, which):
            return issue_id
    return None


def _would_reopen(source: LockedIssue, target: LockedIssue) -> bool:
    if source.status != "resolved" or source.status_at is None or target.last_seen_at is None:
        return False
    return counting.is_after_resolution(
        target.last_release,
        target.last_seen_at,
        resolved_release=source.resolved_release,
        resolved_at=source.status_at,
    )
