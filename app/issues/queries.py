"""Queries of one issue: its row, its hours and its releases."""

import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final, Literal

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    DateTime,
    Integer,
    Interval,
    ScalarSelect,
    Uuid,
    any_,
    bindparam,
    cast,
    func,
    literal,
    select,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.engine import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.ids import IssueId, ProjectId
from app.db.list_slices import ListSlice, SliceQuery
from app.issues.model import Issue, IssueKey
from app.issues.tables import issue_link_counts as counts, issue_releases, issues

# Added up as integers: the sum of bigints is a numeric, and sorting ten thousand of those costs
# more than finding them.
REPLAY_NUMBER: Final = func.sum(cast(counts.c.replays, Integer), type_=BigInteger)
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


def is_among(column: ColumnElement[int], project_ids: Sequence[ProjectId]) -> ColumnElement[bool]:
    """Return the condition that a column names one of some projects."""
    return column == any_(literal(list(project_ids), ARRAY(BigInteger)))


def count_visible_replays(is_visible: ColumnElement[bool]) -> ScalarSelect[int]:
    """Count the replays of an issue.

    Args:
        is_visible: The condition that a count is of a project that the reader may see.
    """
    return (
        select(func.coalesce(REPLAY_NUMBER, 0))
        .where(
            counts.c.project_id == issues.c.project_id,
            counts.c.issue_id == issues.c.issue_id,
            is_visible,
        )
        .scalar_subquery()
    )


_ISSUE: Final = select(
    issues,
    count_visible_replays(
        counts.c.replay_project_id == any_(bindparam("visible_ids", type_=ARRAY(BigInteger)))
    ).label("linked"),
).where(issues.c.project_id == bindparam("project"), issues.c.issue_id == bindparam("issue"))
"""Made once, as the statements of a page that is opened often: making one takes longer than
Postgres needs to answer it."""
_RELEASES: Final = SliceQuery(
    select(issue_releases.c.release)
    .where(
        issue_releases.c.project_id == bindparam("project"),
        issue_releases.c.issue_id == bindparam("issue"),
    )
    .order_by(issue_releases.c.release),
    lambda row: str(row.release),
    size=100,
)


async def find_issue(
    connection: AsyncConnection, key: IssueKey, visible_ids: Sequence[ProjectId]
) -> Issue | None:
    """Read an issue, with the number of its replays in projects that the reader may see."""
    parameters = {"project": key[0], "issue": key[1], "visible_ids": list(visible_ids)}
    row = (await connection.execute(_ISSUE, parameters)).first()
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
        connection: The connection to read with.
        key: The issue.
        first: Number of releases to skip.
    """
    return await _RELEASES.read(connection, {"project": key[0], "issue": key[1]}, first=first)


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
