"""Reads how many events of issues happened in which hour, in one environment or in all."""

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Self

from sqlalchemy import BigInteger, Boolean, DateTime, Integer, TextClause, bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.ids import EventId, IssueId, ProjectId
from app.db.types import Hex32
from app.formats.events.event import DEFAULT_ENVIRONMENT
from app.issues.events.event_rows import to_hex

EventsByHour = dict[datetime, int]
"""Events by the beginning of their hour, in UTC; empty hours are left out."""

_IS_ASKED: Final = """
    i.project_id = :project and i.last_seen_at >= :since
    and (not :crashes or i.level = 'fatal'
         or i.kind in ('crash', 'native_crash', 'watchdog', 'anr', 'app_hang'))
"""
"""Issues that were not seen since then have no such hour, so theirs are not looked at."""
_OF_ALL: Final = "issue_hours"
_OF_PRODUCTION: Final = """
    (select project_id, issue_id, hour, events from issue_hours
     where project_id = :project and hour >= :since
     union all
     select project_id, issue_id, hour, -events from issue_environment_hours
     where project_id = :project and hour >= :since)
"""
"""Production is what no other environment has: its own events are not counted apart."""
_OF_OTHER: Final = """
    (select project_id, issue_id, hour, events from issue_environment_hours
     where project_id = :project and environment = :environment and hour >= :since)
"""
_PROJECT: Final = bindparam("project", type_=BigInteger)
_SINCE: Final = bindparam("since", type_=DateTime(timezone=True))
_CRASHES: Final = bindparam("crashes", type_=Boolean)
_FIRST: Final = text(
    "select min(first_seen_at) from issues where project_id = :project"
).bindparams(_PROJECT)
_COUNTED_SINCE: Final = text("select min(since) from environment_counting")
_NEWEST: Final = text(
    """
    select event_id from events
    where project_id = :project and issue_id = cast(:issue_id as uuid)
      and coalesce(environment, '') = :environment and received_at >= :since
    order by received_at desc, event_id desc limit 1
    """
).bindparams(_PROJECT, _SINCE)


@dataclass(frozen=True, slots=True)
class _HourStatements:
    """The statements that count events, of one environment or of all."""

    of_project: TextClause
    busy: TextClause
    of_issues: TextClause

    @classmethod
    def make(cls, source: str) -> Self:
        """Make the statements on a source with the columns of `issue_hours`."""
        return cls(
            text(
                f"""
                select h.hour, sum(h.events)::bigint as events
                from issues i join {source} h using (project_id, issue_id)
                where {_IS_ASKED} and h.hour >= :since
                group by h.hour having sum(h.events) > 0
                """  # noqa: S608 - made of constants
            ).bindparams(_PROJECT, _SINCE, _CRASHES),
            text(
                f"""
                select i.issue_id, i.last_event_id
                from issues i join {source} h using (project_id, issue_id)
                where {_IS_ASKED} and h.hour >= :since and i.status <> 'ignored'
                group by i.project_id, i.issue_id
                having sum(h.events) >= :least
                order by sum(h.events) desc, i.issue_id limit :most
                """  # noqa: S608 - made of constants
            ).bindparams(_PROJECT, _SINCE, _CRASHES, bindparam("most", type_=Integer)),
            text(
                f"""
                select h.issue_id, h.hour, sum(h.events)::bigint as events from {source} h
                where h.project_id = :project and h.issue_id = any(:issue_ids) and h.hour >= :since
                group by h.issue_id, h.hour having sum(h.events) > 0
                """  # noqa: S608 - made of constants
            ).bindparams(_PROJECT, _SINCE, bindparam("issue_ids", type_=ARRAY(Hex32))),
        )


_ALL: Final = _HourStatements.make(_OF_ALL)
_PRODUCTION: Final = _HourStatements.make(_OF_PRODUCTION)
_OTHER: Final = _HourStatements.make(_OF_OTHER)


@dataclass(frozen=True, slots=True)
class BusyIssue:
    """An issue that has happened often lately."""

    issue_id: IssueId
    last_event_id: EventId


async def read_project_hours(
    connection: AsyncConnection,
    project_id: ProjectId,
    *,
    since: datetime,
    only_crashes: bool,
    environment: str = "",
) -> EventsByHour:
    """Return how many events all issues of a project have in each hour.

    Args:
        connection: The connection to read with.
        project_id: The project.
        since: The first hour.
        only_crashes: Leave out issues that are neither crashes nor hangs.
        environment: The environment of the events; empty counts those of all.
    """
    statements, which = _choose_statements(environment)
    which |= {"project": project_id, "since": since, "crashes": only_crashes}
    rows = await connection.execute(statements.of_project, which)
    return {row.hour: row.events for row in rows}


async def find_busy_issues(
    connection: AsyncConnection,
    project_id: ProjectId,
    *,
    since: datetime,
    least_events: float,
    only_crashes: bool,
    limit: int,
    environment: str = "",
) -> list[BusyIssue]:
    """Find the issues with some events since the beginning of an hour, those with most first.

    Issues that somebody ignores are left out.

    Args:
        connection: The connection to read with.
        project_id: The project.
        since: The first hour.
        least_events: The fewest events of an issue that is returned.
        only_crashes: Leave out issues that are neither crashes nor hangs.
        limit: The most issues that are returned.
        environment: The environment of the events; empty counts those of all.
    """
    statements, which = _choose_statements(environment)
    which |= {
        "project": project_id,
        "since": since,
        "crashes": only_crashes,
        "least": least_events,
        "most": limit,
    }
    return [
        BusyIssue(IssueId(to_hex(row.issue_id)), EventId(to_hex(row.last_event_id)))
        for row in await connection.execute(statements.busy, which)
    ]


async def read_issue_hours(
    connection: AsyncConnection,
    project_id: ProjectId,
    issue_ids: Collection[IssueId],
    *,
    since: datetime,
    environment: str = "",
) -> dict[IssueId, EventsByHour]:
    """Return how many events each of some issues has in each hour since a time.

    Args:
        connection: The connection to read with.
        project_id: The project.
        issue_ids: The issues.
        since: The first hour.
        environment: The environment of the events; empty counts those of all.
    """
    hours: defaultdict[IssueId, EventsByHour] = defaultdict(dict)
    statements, which = _choose_statements(environment)
    which |= {"project": project_id, "since": since, "issue_ids": sorted(issue_ids)}
    for row in await connection.execute(statements.of_issues, which):
        hours[IssueId(to_hex(row.issue_id))][row.hour] = row.events
    return hours


async def find_newest_event(
    connection: AsyncConnection,
    project_id: ProjectId,
    issue_id: IssueId,
    *,
    environment: str,
    since: datetime,
) -> EventId | None:
    """Return the newest event of an issue in an environment; None if none came since a time."""
    which = {
        "project": project_id, "issue_id": issue_id, "environment": environment, "since": since,
    }  # fmt: skip
    event_id = await connection.scalar(_NEWEST, which)
    return None if event_id is None else EventId(to_hex(event_id))


async def find_first_counted(
    connection: AsyncConnection, project_id: ProjectId, *, environment: str = ""
) -> datetime | None:
    """Return since when the events of a project are counted by hour.

    Args:
        connection: The connection to read with.
        project_id: The project.
        environment: The environment of the events; empty for all. Environments are counted apart
            since a certain release of Playhead.

    Returns:
        The time of the first event, of those whose issues are here, or that at which counting
        began if it is later; None if no event has come yet.
    """
    first: datetime | None = await connection.scalar(_FIRST, {"project": project_id})
    if first is None or not environment:
        return first
    since: datetime | None = await connection.scalar(_COUNTED_SINCE)
    return first if since is None else max(first, since)


def _choose_statements(environment: str) -> tuple[_HourStatements, dict[str, Any]]:
    """Return the statements for an environment, and the value that names it in them."""
    if not environment:
        return _ALL, {}
    if environment == DEFAULT_ENVIRONMENT:
        return _PRODUCTION, {}
    return _OTHER, {"environment": environment}
