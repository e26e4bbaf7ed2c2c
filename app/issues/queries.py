"""Queries of one issue: its row, its hours, its releases, its events one by one."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Literal

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    DateTime,
    Integer,
    Interval,
    Select,
    Uuid,
    any_,
    bindparam,
    cast,
    func,
    literal,
    select,
    text,
    tuple_,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.engine import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.ids import EventId, IssueId, ProjectId
from app.db.list_slices import ListSlice, read_slice
from app.issues.model import Issue, IssueKey, StoredEvent
from app.issues.replay_events import to_event
from app.issues.tables import events, issue_link_counts as counts, issue_releases, issues

# Added up as integers: the sum of bigints is a numeric, and sorting ten thousand of those costs
# more than finding them.
REPLAY_NUMBER: Final = func.sum(cast(counts.c.replays, Integer), type_=BigInteger)
_RELEASES_AT_ONCE: Final = 100
"""Releases of one issue that are read at once."""
_SAMPLE_BYTES: Final = 32 * 1024
# One row an issue: three hundred would cost their reading more than their finding.
_BY_TIME: Final = text(
    """
    select n, array_agg(at order by at) as times, array_agg(events order by at) as counts
    from (
        select k.n, date_bin(:span, h.hour, timestamptz 'epoch') as at,
               sum(h.events)::bigint as events
        from unnest(:projects, :issues) with ordinality as k (project_id, issue_id, n)
        join issue_hours h using (project_id, issue_id)
        where h.hour >= :since
        group by 1, 2
    ) spans
    group by n
    """
).bindparams(
    bindparam("projects", type_=ARRAY(BigInteger)),
    bindparam("issues", type_=ARRAY(Uuid)),
    bindparam("since", type_=DateTime(timezone=True)),
    bindparam("span", type_=Interval()),
)


async def find_issue(
    connection: AsyncConnection, key: IssueKey, seen: Sequence[ProjectId]
) -> Issue | None:
    """Read one issue; replays count that are of projects which the reader sees."""
    found = await connection.execute(
        select(issues, count_visible_replays(seen).label("linked")).where(
            issues.c.project_id == key[0], issues.c.issue_id == key[1]
        )
    )
    row = found.first()
    return to_issue(row) if row else None


async def count_events_over_time(
    connection: AsyncConnection,
    keys: Sequence[IssueKey],
    since: datetime,
    unit: Literal["hour", "day"],
) -> dict[IssueKey, dict[datetime, int]]:
    """Count the events of issues by hour or day (UTC), from `since` on; empty ones are left out."""
    span = {"hour": timedelta(hours=1), "day": timedelta(days=1)}[unit]
    found = await connection.execute(
        _BY_TIME,
        {
            "projects": [key[0] for key in keys],
            "issues": [uuid.UUID(hex=key[1]) for key in keys],
            "since": since,
            "span": span,
        },
    )
    counted = {key: dict[datetime, int]() for key in keys}
    for row in found:
        counted[keys[row.n - 1]] = dict(zip(row.times, row.counts, strict=True))
    return counted


async def read_releases(
    connection: AsyncConnection, key: IssueKey, *, first: int = 0
) -> ListSlice[str]:
    """Read the releases an issue was seen in, in the order of their names.

    Args:
        connection: Where to read.
        key: The issue.
        first: How many releases stand before those that are read.
    """
    query = (
        select(issue_releases.c.release)
        .where(issue_releases.c.project_id == key[0], issue_releases.c.issue_id == key[1])
        .order_by(issue_releases.c.release)
    )
    return await read_slice(
        connection, query, lambda row: str(row.release), first=first, size=_RELEASES_AT_ONCE
    )


async def read_newest_events(
    connection: AsyncConnection, key: IssueKey, *, limit: int
) -> list[StoredEvent]:
    """Read the events of an issue that came last, the newest first."""
    rows = await connection.execute(_select_events(key).limit(limit))
    return [to_event(row) for row in rows]


async def read_sample_payloads(
    connection: AsyncConnection, key: IssueKey, *, limit: int
) -> list[bytes]:
    """Read the packed payloads of the newest events of an issue; big ones are left out."""
    newest = _select_events(key).limit(limit).subquery()
    found = await connection.scalars(
        select(newest.c.payload).where(func.length(newest.c.payload) <= _SAMPLE_BYTES)
    )
    return list(found)


async def find_event(
    connection: AsyncConnection, key: IssueKey, event_id: EventId
) -> StoredEvent | None:
    """Read one event of an issue."""
    found = await connection.execute(_select_events(key).where(events.c.event_id == event_id))
    row = found.first()
    return to_event(row) if row else None


async def find_issue_of_event(
    connection: AsyncConnection, project_id: ProjectId, event_id: EventId
) -> IssueId | None:
    """Find the issue of an event."""
    found = await connection.scalar(
        select(events.c.issue_id).where(
            events.c.project_id == project_id, events.c.event_id == event_id
        )
    )
    return IssueId(found) if found else None


@dataclass(frozen=True, slots=True)
class EventNeighbours:
    """The events of an issue beside one of them, by the time they came."""

    newest: EventId | None
    newer: EventId | None
    older: EventId | None
    oldest: EventId | None


async def find_neighbours(connection: AsyncConnection, event: StoredEvent) -> EventNeighbours:
    """Find the events beside one; None where it is itself the last in that direction."""
    place = tuple_(events.c.received_at, events.c.event_id)
    here = tuple_(
        literal(event.received_at, DateTime(timezone=True)),
        literal(event.event_id, events.c.event_id.type),
    )
    up = (events.c.received_at.asc(), events.c.event_id.asc())
    down = (events.c.received_at.desc(), events.c.event_id.desc())
    base = select(events.c.event_id).where(
        events.c.project_id == event.project_id, events.c.issue_id == event.issue_id
    )
    newer, older = base.where(place > here), base.where(place < here)
    row = (
        await connection.execute(
            select(
                newer.order_by(*down).limit(1).scalar_subquery().label("newest"),
                newer.order_by(*up).limit(1).scalar_subquery().label("newer"),
                older.order_by(*down).limit(1).scalar_subquery().label("older"),
                older.order_by(*up).limit(1).scalar_subquery().label("oldest"),
            )
        )
    ).one()
    return EventNeighbours(*(EventId(found) if found else None for found in row))


def _select_events(key: IssueKey) -> Select[Any]:
    return (
        select(events)
        .where(events.c.project_id == key[0], events.c.issue_id == key[1])
        .order_by(events.c.received_at.desc(), events.c.event_id.desc())
    )


def is_among(column: ColumnElement[int], project_ids: Sequence[ProjectId]) -> ColumnElement[bool]:
    """Return the condition that a column names one of some projects."""
    return column == any_(literal(list(project_ids), ARRAY(BigInteger)))


def is_visible(seen: Sequence[ProjectId]) -> ColumnElement[bool]:
    """Return the condition that a count is of replays that the reader may see."""
    return is_among(counts.c.replay_project_id, seen)


def count_visible_replays(seen: Sequence[ProjectId]) -> ColumnElement[int]:
    """Count the replays of an issue, of projects that the reader sees."""
    return (
        select(func.coalesce(REPLAY_NUMBER, 0))
        .where(
            counts.c.project_id == issues.c.project_id,
            counts.c.issue_id == issues.c.issue_id,
            is_visible(seen),
        )
        .scalar_subquery()
    )


def to_issue(row: Row[Any]) -> Issue:
    """Turn a row of the table, with the number of replays as `linked`, into its value."""
    return Issue(
        project_id=ProjectId(row.project_id),
        issue_id=IssueId(row.issue_id),
        first_seen_at=row.first_seen_at,
        first_release=row.first_release,
        last_seen_at=row.last_seen_at,
        last_release=row.last_release,
        level=row.level,
        kind=row.kind,
        title=row.title,
        culprit=row.culprit,
        platform=row.platform,
        events=row.events,
        users=row.users,
        replays=row.linked,
        named_replays=row.replays,
        status=row.status,
        status_at=row.status_at,
        resolved_release=row.resolved_release,
        is_regressed=row.is_regressed,
    )
