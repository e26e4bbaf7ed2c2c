"""Queries of the replays that events name, to find out which replays never arrived."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.days import OLD_DAY
from app.core.ids import EventId, ProjectId, ReplayId, TraceId

_NAMING: Final = text(
    """
    select project_id, count(*) as events, min(at) as first_at, max(at) as last_at,
           max(sdk_name) as sdk_name, max(release) as release
    from events
    where replay_id = cast(:replay_id as uuid) and project_id = any(:project_ids)
    group by project_id order by project_id
    """
)
_NEWEST: Final = text(
    f"""
    select replay_id, event_id, title, at from events
    where project_id = :project_id and replay_id is not null and received_at >= :since
      and (day >= cast(cast(:since as timestamptz) as date) - 1 or day = date '{OLD_DAY}')
    order by received_at desc, event_id desc limit :most
    """  # noqa: S608 - made of a constant
)
_EVENT: Final = text(
    """
    select project_id, event_id, title, at, trace_id, replay_id, platform from events
    where event_id = cast(:event_id as uuid) and project_id = any(:project_ids)
    order by project_id limit 1
    """
)


@dataclass(frozen=True, slots=True)
class NamingEvents:
    """The events of one project that name a replay."""

    project_id: ProjectId
    events: int
    first_at: datetime
    last_at: datetime
    sdk_name: str | None
    release: str | None


@dataclass(frozen=True, slots=True)
class NamingEvent:
    """An event that names a replay."""

    replay_id: ReplayId
    event_id: EventId
    title: str
    at: datetime


@dataclass(frozen=True, slots=True)
class LinkableEvent:
    """An event, and the ids that could link it to a replay."""

    project_id: ProjectId
    event_id: EventId
    title: str
    at: datetime
    trace_id: TraceId | None
    replay_id: ReplayId | None
    platform: str | None


async def count_naming_events(
    connection: AsyncConnection, replay_id: ReplayId, project_ids: Sequence[ProjectId]
) -> list[NamingEvents]:
    """Count the events that name a replay, by project."""
    rows = await connection.execute(
        _NAMING, {"replay_id": replay_id, "project_ids": list(project_ids)}
    )
    return [
        NamingEvents(
            ProjectId(row.project_id),
            row.events,
            row.first_at,
            row.last_at,
            row.sdk_name,
            row.release,
        )
        for row in rows
    ]


async def read_newest_naming_events(
    connection: AsyncConnection, project_id: ProjectId, *, since: datetime, limit: int
) -> list[NamingEvent]:
    """Read the newest events of a project that name a replay."""
    rows = await connection.execute(
        _NEWEST, {"project_id": project_id, "since": since, "most": limit}
    )
    return [
        NamingEvent(ReplayId(row.replay_id.hex), EventId(row.event_id.hex), row.title, row.at)
        for row in rows
    ]


async def find_linkable_event(
    connection: AsyncConnection, event_id: EventId, project_ids: Sequence[ProjectId]
) -> LinkableEvent | None:
    """Find an event by its id in some projects."""
    parameters = {"event_id": event_id, "project_ids": list(project_ids)}
    row = (await connection.execute(_EVENT, parameters)).first()
    if row is None:
        return None
    return LinkableEvent(
        ProjectId(row.project_id),
        EventId(row.event_id.hex),
        row.title,
        row.at,
        TraceId(row.trace_id.hex) if row.trace_id else None,
        ReplayId(row.replay_id.hex) if row.replay_id else None,
        row.platform,
    )
