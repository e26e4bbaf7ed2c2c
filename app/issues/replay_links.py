"""Locks, reads and deletes the links between issues and replays.

Digest makes the links in its own transaction, because an event, its replay, and what links the two
arrive in any order.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import BigInteger, any_, bindparam, literal, select, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.ids import EventId, ProjectId, ReplayId
from app.db.engine import get_driver
from app.db.lists import TIME_KEY, ListCursor, ListOrder, RowRun, cut_run
from app.db.types import Hex32
from app.issues.model import IssueKey
from app.issues.tables import issue_links

_LOCK: Final = """
    select pg_advisory_xact_lock(1818848875, slot),
           set_config('plan_cache_mode', 'force_generic_plan', true)
    from (
        select distinct uuid_hash(id) & 1023 as slot from unnest($1::uuid[]) as i (id) order by slot
    ) s
"""
"""The number is "link". Postgres has room for some thousand locks in all, and an envelope may name
hundreds of ids: so their number is bounded, and now and then one waits for a stranger.

What follows in the transaction is planned once and not each time anew, which Postgres prefers when
a plan for one replay looks better than one for ten: of 3.5 ms for one, 2.3 were planning."""
_UNLINK: Final = text(
    """
    with gone as (
        delete from issue_links l
        using unnest(:project_ids, :replay_ids) as k (project_id, replay_id)
        where l.replay_project_id = k.project_id and l.replay_id = k.replay_id
        returning l.project_id, l.issue_id, l.replay_project_id
    ),
    counted as (
        select project_id, issue_id, replay_project_id, count(*) as quantity
        from gone group by 1, 2, 3
    ),
    -- In the order in which digest adds to them: a join alone may take them in any other.
    locked as (
        select c.project_id, c.issue_id, c.replay_project_id, g.quantity
        from issue_link_counts c join counted g using (project_id, issue_id, replay_project_id)
        order by 1, 2, 3 for update of c
    )
    update issue_link_counts c set replays = greatest(c.replays - g.quantity, 0)
    from locked g
    where c.project_id = g.project_id and c.issue_id = g.issue_id
      and c.replay_project_id = g.replay_project_id
    """
).bindparams(
    bindparam("project_ids", type_=ARRAY(BigInteger)),
    bindparam("replay_ids", type_=ARRAY(Hex32)),
)


@dataclass(frozen=True, slots=True)
class IssueLink:
    """A replay of an issue, and the first event of the issue in it."""

    replay_project_id: ProjectId
    replay_id: ReplayId
    first_received_at: datetime
    """The time at which the first segment of the replay was received, which orders the list."""
    event_id: EventId
    at: datetime
    drift_ms: int
    platform: str | None


NEWEST_LINKS: Final[ListOrder[IssueLink]] = ListOrder(
    "newest",
    lambda columns: (columns.first_received_at, columns.replay_id),
    lambda link: (link.first_received_at, link.replay_id),
    TIME_KEY,
)
"""The order of the replays of an issue: the replay that was received last comes first."""


async def lock_links(connection: AsyncConnection, ids: Collection[str]) -> None:
    """Lock some replays and traces, so that nobody else makes or deletes links of them.

    Of two processes that store an event and its replay at the same time, the second one then sees
    what the first one has committed. Call it when everything else of the transaction is written: a
    transaction that waits here must not hold rows that others want afterwards.

    Args:
        connection: The connection of the transaction, which holds the locks until it ends.
        ids: Ids of replays and traces.
    """
    if ids:
        await (await get_driver(connection)).execute(_LOCK, list(ids))


async def delete_links_of_replays(
    connection: AsyncConnection, keys: Sequence[tuple[ProjectId, ReplayId]]
) -> None:
    """Delete the links of replays whose rows are deleted in this transaction."""
    await lock_links(connection, [replay_id for _, replay_id in keys])
    await connection.execute(
        _UNLINK,
        {
            "project_ids": [project_id for project_id, _ in keys],
            "replay_ids": [replay_id for _, replay_id in keys],
        },
    )


async def read_links(
    connection: AsyncConnection,
    key: IssueKey,
    project_ids: Sequence[ProjectId],
    *,
    cursor: ListCursor | None,
    is_backward: bool,
    limit: int,
) -> RowRun[IssueLink]:
    """Read links of an issue in the order `NEWEST_LINKS`, from a place in the list on.

    Args:
        connection: The connection to read with.
        key: The issue.
        project_ids: The projects that the reader may see; links to replays of others are left out.
        cursor: The place after which to read; None for the beginning.
        is_backward: True to read from the place towards the beginning of the list.
        limit: Links at most.
    """
    columns = issue_links.c
    query = select(issue_links).where(
        columns.project_id == key[0],
        columns.issue_id == key[1],
        columns.replay_project_id == any_(literal(list(project_ids), ARRAY(BigInteger))),
    )
    if cursor is not None:
        query = query.where(NEWEST_LINKS.is_past(columns, cursor, is_backward=is_backward))
    query = NEWEST_LINKS.sort(query, columns, is_backward=is_backward)
    links = [
        IssueLink(
            ProjectId(row.replay_project_id),
            ReplayId(row.replay_id),
            row.first_received_at,
            EventId(row.event_id),
            row.at,
            row.drift_ms,
            row.platform,
        )
        for row in await connection.execute(query.limit(limit + 1))
    ]
    return cut_run(links, limit)
