"""Queries of the events of an issue, one by one."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from sqlalchemy import Date, Integer, bindparam, func, select, text, tuple_
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.ids import EventId, IssueId, ProjectId
from app.db.types import Hex32
from app.issues.events.event_rows import to_event, to_hex
from app.issues.model import EventPayload, EventRowKey, IssueKey, RecentEvent, StoredEvent
from app.issues.tables import events, issues

_SAMPLE_BYTES: Final = 32 * 1024

_PLACE: Final = tuple_(events.c.received_at, events.c.event_id)
"""The place of an event among those of its issue; of equal ones the id decides."""
_OLDEST_FIRST: Final = (events.c.received_at.asc(), events.c.event_id.asc())
_NEWEST_FIRST: Final = (events.c.received_at.desc(), events.c.event_id.desc())
_IS_OF_ISSUE: Final = (
    events.c.project_id == bindparam("project"),
    events.c.issue_id == bindparam("issue"),
)
# The statements are made once: making one takes longer than Postgres needs to answer it.
_NEWEST: Final = (
    select(events)
    .where(*_IS_OF_ISSUE)
    .order_by(*_NEWEST_FIRST)
    .limit(bindparam("most", type_=Integer))
)
_newest_payloads = _NEWEST.with_only_columns(events.c.payload).subquery()
_SAMPLES: Final = select(_newest_payloads.c.payload).where(
    func.length(_newest_payloads.c.payload) <= _SAMPLE_BYTES
)
_recent_issues = (
    select(issues.c.project_id, issues.c.issue_id, issues.c.last_event_id, issues.c.last_seen_at)
    .where(issues.c.project_id == bindparam("project"))
    .order_by(issues.c.last_seen_at.desc(), issues.c.issue_id)
    .limit(bindparam("most", type_=Integer))
    .subquery()
)
_RECENT: Final = (
    select(events.c.event_id, events.c.title, events.c.payload)
    .join(
        _recent_issues,
        (events.c.project_id == _recent_issues.c.project_id)
        & (events.c.event_id == _recent_issues.c.last_event_id),
    )
    .where(func.length(events.c.payload) <= _SAMPLE_BYTES)
    .order_by(_recent_issues.c.last_seen_at.desc(), _recent_issues.c.issue_id)
)
_EVENT: Final = select(events).where(*_IS_OF_ISSUE, events.c.event_id == bindparam("event"))
_OF_PROJECT: Final = select(events).where(
    events.c.project_id == bindparam("project"), events.c.event_id == bindparam("event")
)
_HERE: Final = tuple_(
    bindparam("received_at", type_=events.c.received_at.type),
    bindparam("event", type_=events.c.event_id.type),
)
_IDS: Final = select(events.c.event_id).where(*_IS_OF_ISSUE).limit(1)
_NEWER: Final = _IDS.where(_PLACE > _HERE)
_OLDER: Final = _IDS.where(_PLACE < _HERE)
_NEIGHBOURS: Final = select(
    _NEWER.order_by(*_NEWEST_FIRST).scalar_subquery().label("newest"),
    _NEWER.order_by(*_OLDEST_FIRST).scalar_subquery().label("newer"),
    _OLDER.order_by(*_NEWEST_FIRST).scalar_subquery().label("older"),
    _OLDER.order_by(*_OLDEST_FIRST).scalar_subquery().label("oldest"),
)

_PAYLOADS: Final = text(
    """
    select e.event_id, e.day, e.payload, e.symbolicated
    from unnest(:event_ids, :days) as k (event_id, day)
    join events e on e.event_id = k.event_id and e.day = k.day
    where e.project_id = :project
    """
).bindparams(bindparam("event_ids", type_=ARRAY(Hex32)), bindparam("days", type_=ARRAY(Date)))


@dataclass(frozen=True, slots=True)
class EventNeighbours:
    """The events of an issue around one of them, by the time they came.

    A newer event is None for the newest one, an older event for the oldest one.
    """

    newest: EventId | None
    newer: EventId | None
    older: EventId | None
    oldest: EventId | None


async def read_newest_events(
    connection: AsyncConnection, key: IssueKey, *, limit: int
) -> list[StoredEvent]:
    """Read the events of an issue that came last, the newest first."""
    parameters = {"project": key[0], "issue": key[1], "most": limit}
    return [to_event(row) for row in await connection.execute(_NEWEST, parameters)]


async def read_sample_payloads(
    connection: AsyncConnection, key: IssueKey, *, limit: int
) -> list[bytes]:
    """Read the packed payloads of the newest events of an issue, and leave out big ones."""
    parameters = {"project": key[0], "issue": key[1], "most": limit}
    return list(await connection.scalars(_SAMPLES, parameters))


async def read_recent_events(
    connection: AsyncConnection, project_id: ProjectId, *, limit: int
) -> list[RecentEvent]:
    """Read the last event of each of the issues that happened last, and leave out big ones."""
    parameters = {"project": project_id, "most": limit}
    return [
        RecentEvent(row.event_id, row.title, row.payload)
        for row in await connection.execute(_RECENT, parameters)
    ]


async def read_payloads(
    connection: AsyncConnection, project_id: ProjectId, keys: Sequence[EventRowKey]
) -> list[EventPayload]:
    """Read the payloads of some events of a project; those that are gone are left out."""
    parameters = {
        "project": project_id,
        "event_ids": [key.event_id for key in keys],
        "days": [key.day for key in keys],
    }
    return [
        EventPayload(
            EventRowKey(EventId(to_hex(row.event_id)), row.day), row.payload, row.symbolicated
        )
        for row in await connection.execute(_PAYLOADS, parameters)
    ]


async def list_event_keys(
    connection: AsyncConnection,
    project_id: ProjectId,
    *,
    issue_id: IssueId | None,
    event_id: EventId | None,
    after: EventRowKey | None,
    limit: int,
) -> list[EventRowKey]:
    """List the events of an issue, or of a whole project, or one event, the newest days first.

    Args:
        connection: The connection to read with.
        project_id: The project.
        issue_id: The issue; None for all of them.
        event_id: The event; None for all of them.
        after: The event after which the part begins; None for the beginning.
        limit: Events at most.
    """
    query = select(events.c.event_id, events.c.day).where(events.c.project_id == project_id)
    if issue_id is not None:
        query = query.where(events.c.issue_id == issue_id)
    if event_id is not None:
        query = query.where(events.c.event_id == event_id)
    if after is not None:
        query = query.where(tuple_(events.c.day, events.c.event_id) < (after.day, after.event_id))
    ordered = query.order_by(events.c.day.desc(), events.c.event_id.desc()).limit(limit)
    return [
        EventRowKey(EventId(row.event_id), row.day) for row in await connection.execute(ordered)
    ]


async def find_event(
    connection: AsyncConnection, key: IssueKey, event_id: EventId
) -> StoredEvent | None:
    """Read one event of an issue."""
    parameters = {"project": key[0], "issue": key[1], "event": event_id}
    row = (await connection.execute(_EVENT, parameters)).first()
    return to_event(row) if row else None


async def find_project_event(
    connection: AsyncConnection, project_id: ProjectId, event_id: EventId
) -> StoredEvent | None:
    """Read one event of a project, whether or not it is grouped into an issue yet."""
    parameters = {"project": project_id, "event": event_id}
    row = (await connection.execute(_OF_PROJECT, parameters)).first()
    return to_event(row) if row else None


async def find_neighbours(connection: AsyncConnection, event: StoredEvent) -> EventNeighbours:
    """Find the events around an event of an issue."""
    parameters = {
        "project": event.project_id,
        "issue": event.issue_id,
        "event": event.event_id,
        "received_at": event.received_at,
    }
    row = (await connection.execute(_NEIGHBOURS, parameters)).one()
    return EventNeighbours(
        newest=EventId(row.newest) if row.newest else None,
        newer=EventId(row.newer) if row.newer else None,
        older=EventId(row.older) if row.older else None,
        oldest=EventId(row.oldest) if row.oldest else None,
    )


async def find_issue_of_event(
    connection: AsyncConnection, project_id: ProjectId, event_id: EventId
) -> IssueId | None:
    """Find the issue of an event."""
    issue_id = await connection.scalar(
        select(events.c.issue_id).where(
            events.c.project_id == project_id, events.c.event_id == event_id
        )
    )
    return IssueId(issue_id) if issue_id else None


async def find_event_day(
    connection: AsyncConnection, key: IssueKey, event_id: EventId
) -> date | None:
    """Return the day of the row of an event; None if the issue has no such event."""
    project_id, issue_id = key
    day: date | None = await connection.scalar(
        select(events.c.day).where(
            events.c.project_id == project_id,
            events.c.issue_id == issue_id,
            events.c.event_id == event_id,
        )
    )
    return day


async def find_kept_releases(
    connection: AsyncConnection, project_id: ProjectId, releases: Collection[str]
) -> set[str]:
    """Find the releases among some of which an event is kept.

    There is no index for it: it looks through the events of the project.
    """
    rows = await connection.execute(
        select(events.c.release)
        .where(events.c.project_id == project_id, events.c.release.in_(sorted(releases)))
        .distinct()
    )
    return {row.release for row in rows}
