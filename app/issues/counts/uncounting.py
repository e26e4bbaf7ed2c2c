"""Takes events that were deleted, or moved to another issue, out of what counts them.

Counts are subtracted, not counted anew: an issue counts events that retention has deleted since.
Call these when the events are gone from the issue, in the same transaction.
"""

import uuid
from collections import Counter
from collections.abc import Collection, Sequence
from typing import Any, Final

from sqlalchemy import ARRAY, BigInteger, DateTime, Text, bindparam, text
from sqlalchemy.engine import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.ids import EventId, IssueId, ProjectId, ReplayId
from app.db.types import Hex32
from app.issues import replay_links
from app.issues.counts import counting
from app.issues.events.event_rows import to_hex
from app.issues.model import IssueKey

_IDS: Final = bindparam("event_ids", type_=ARRAY(Hex32))
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
"""The time at which an event happened, by the rule of `counting.find_seen_at`."""
_REPLACE: Final = text(
    f"""
    with seen as (
        select event_id, release, level, kind, title, culprit, platform, {_SEEN_AT} as seen_at
        from events where {_OF_ISSUE}
    ),
    first as (select * from seen order by seen_at, event_id limit 1),
    last as (select * from seen order by seen_at desc, event_id desc limit 1)
    update issues i set
        (first_seen_at, first_event_id, first_release) = (
            select f.seen_at, f.event_id, f.release where i.first_event_id = any(:event_ids)
            union all
            select i.first_seen_at, i.first_event_id, i.first_release
            where i.first_event_id <> all(:event_ids)
        ),
        (last_seen_at, last_event_id, last_release, level, kind, title, culprit, platform) = (
            select l.seen_at, l.event_id, l.release, l.level, l.kind, l.title, l.culprit, l.platform
            where i.last_event_id = any(:event_ids)
            union all
            select i.last_seen_at, i.last_event_id, i.last_release, i.level, i.kind, i.title,
                i.culprit, i.platform
            where i.last_event_id <> all(:event_ids)
        )
    from first f, last l
    where i.project_id = :project_id and i.issue_id = cast(:issue_id as uuid)
    """  # noqa: S608 - joined from constants
).bindparams(_IDS)
_UNLINK: Final = text(
    """
    with gone as (
        delete from issue_links where project_id = :project_id and event_id = any(:event_ids)
          and replay_id = any(:replay_ids)
        returning project_id, issue_id, replay_project_id, replay_id
    ),
    counted as (
        select project_id, issue_id, replay_project_id, count(*) as replays
        from gone group by 1, 2, 3
    ),
    -- In the order in which digest adds to them: a join alone may take them in any other.
    locked as (
        select c.project_id, c.issue_id, c.replay_project_id, g.replays
        from issue_link_counts c join counted g using (project_id, issue_id, replay_project_id)
        order by 1, 2, 3 for update of c
    ),
    subtracted as (
        update issue_link_counts c set replays = greatest(c.replays - g.replays, 0)
        from locked g
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


async def replace_first_and_last(
    connection: AsyncConnection, key: IssueKey, gone: Collection[EventId]
) -> bool:
    """Let an issue begin and end with other events, where those that it had are gone.

    Returns:
        False if no event of the issue is stored any more; then nothing is changed.
    """
    replaced = await connection.execute(_REPLACE, {**_which(key), "event_ids": sorted(gone)})
    return bool(replaced.rowcount)


async def uncount_events(
    connection: AsyncConnection, key: IssueKey, gone: Sequence[Row[Any]]
) -> None:
    """Subtract events from the counts of their issue.

    Args:
        connection: The transaction in which they left it.
        key: The issue, whose row is locked.
        gone: Their rows, with the columns `at`, `drift_ms`, `received_at`, `recorded_user`,
            `release` and `replay_id`.
    """
    where = _which(key)
    replay_ids = [to_hex(row.replay_id) for row in gone if row.replay_id]
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
        _SUBTRACT, {**where, "events": len(gone), "users": users, "replays": named.rowcount}
    )


async def unlink_events(
    connection: AsyncConnection,
    project_id: ProjectId,
    event_ids: Sequence[EventId],
    issue_ids: Sequence[IssueId],
) -> tuple[ReplayId, ...]:
    """Delete the links of issues and replays that rest on events that are gone.

    Args:
        connection: The transaction in which they left their issues.
        project_id: The project of the events.
        event_ids: The events.
        issue_ids: The issues that they left.

    Returns:
        The replays that lost a link. The caller links them anew, in the same transaction.
    """
    which = {"project_id": project_id, "event_ids": list(event_ids)}
    linked = await connection.scalars(_LINKED, {**which, "issue_ids": list(issue_ids)})
    replay_ids = sorted(to_hex(replay_id) for replay_id in linked)
    if not replay_ids:
        return ()
    await replay_links.lock_links(connection, replay_ids)
    gone = await connection.scalars(_UNLINK, {**which, "replay_ids": replay_ids})
    return tuple(ReplayId(to_hex(replay_id)) for replay_id in gone)


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


def _which(key: IssueKey) -> dict[str, Any]:
    return {"project_id": key[0], "issue_id": uuid.UUID(hex=key[1])}
