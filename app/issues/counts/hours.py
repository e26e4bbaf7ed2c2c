"""Reads how many events of issues happened in which hour."""

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import BigInteger, Boolean, DateTime, Integer, bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.ids import EventId, IssueId, ProjectId
from app.db.types import Hex32
from app.issues.events.event_rows import to_hex

EventsByHour = dict[datetime, int]
"""Events by the beginning of their hour, in UTC; empty hours are left out."""

_IS_ASKED: Final = """
    i.project_id = :project and i.last_seen_at >= :since
    and (not :crashes or i.level = 'fatal'
         or i.kind in ('crash', 'native_crash', 'watchdog', 'anr', 'app_hang'))
"""
"""Issues that were not seen since then have no such hour, so theirs are not looked at."""
_PROJECT: Final = bindparam("project", type_=BigInteger)
_SINCE: Final = bindparam("since", type_=DateTime(timezone=True))
_CRASHES: Final = bindparam("crashes", type_=Boolean)
_OF_PROJECT: Final = text(
    f"""
    select h.hour, sum(h.events)::bigint as events
    from issues i join issue_hours h using (project_id, issue_id)
    where {_IS_ASKED} and h.hour >= :since
    group by h.hour
    """  # noqa: S608 - made of constants
).bindparams(_PROJECT, _SINCE, _CRASHES)
_BUSY: Final = text(
    f"""
    select i.issue_id, i.last_event_id
    from issues i join issue_hours h using (project_id, issue_id)
    where {_IS_ASKED} and h.hour >= :since and i.status <> 'ignored'
    group by i.project_id, i.issue_id
    having sum(h.events) >= :least
    order by sum(h.events) desc, i.issue_id limit :most
    """  # noqa: S608 - made of constants
).bindparams(_PROJECT, _SINCE, _CRASHES, bindparam("most", type_=Integer))
_OF_ISSUES: Final = text(
    """
    select issue_id, hour, events from issue_hours
    where project_id = :project and issue_id = any(:issue_ids) and hour >= :since
    """
).bindparams(_PROJECT, _SINCE, bindparam("issue_ids", type_=ARRAY(Hex32)))
_FIRST: Final = text(
    "select min(first_seen_at) from issues where project_id = :project"
).bindparams(_PROJECT)


@dataclass(frozen=True, slots=True)
class BusyIssue:
    """An issue that has happened often lately."""

    issue_id: IssueId
    last_event_id: EventId


async def read_project_hours(
    connection: AsyncConnection, project_id: ProjectId, *, since: datetime, only_crashes: bool
) -> EventsByHour:
    """Return how many events all issues of a project have in each hour.

    Args:
        connection: The connection to read with.
        project_id: The project.
        since: The first hour.
        only_crashes: Leave out issues that are neither crashes nor hangs.
    """
    which = {"project": project_id, "since": since, "crashes": only_crashes}
    return {row.hour: row.events for row in await connection.execute(_OF_PROJECT, which)}


async def find_busy_issues(
    connection: AsyncConnection,
    project_id: ProjectId,
    *,
    since: datetime,
    least_events: float,
    only_crashes: bool,
    limit: int,
) -> list[BusyIssue]:
    """Find the issues with some events since the beginning of an hour, those with most first.

    Issues that somebody ignores are left out.
    """
    which = {
        "project": project_id,
        "since": since,
        "crashes": only_crashes,
        "least": least_events,
        "most": limit,
    }
    return [
        BusyIssue(IssueId(to_hex(row.issue_id)), EventId(to_hex(row.last_event_id)))
        for row in await connection.execute(_BUSY, which)
    ]


async def read_issue_hours(
    connection: AsyncConnection,
    project_id: ProjectId,
    issue_ids: Collection[IssueId],
    *,
    since: datetime,
) -> dict[IssueId, EventsByHour]:
    """Return how many events each of some issues has in each hour since a time."""
    hours: defaultdict[IssueId, EventsByHour] = defaultdict(dict)
    which = {"project": project_id, "since": since, "issue_ids": sorted(issue_ids)}
    for row in await connection.execute(_OF_ISSUES, which):
        hours[IssueId(to_hex(row.issue_id))][row.hour] = row.events
    return hours


async def find_first_seen(connection: AsyncConnection, project_id: ProjectId) -> datetime | None:
    """Return when the first event of a project happened, of those whose issues are here."""
    first: datetime | None = await connection.scalar(_FIRST, {"project": project_id})
    return first
