"""Queries of the list of issues, filtered and page by page."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from sqlalchemy import ColumnElement, Select, func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.ids import ProjectId
from app.db.lists import ListCursor, RowRun, cut_run
from app.issues.model import Issue, Status
from app.issues.orders import BY_REPLAYS, LAST_SEEN, IssueColumns, IssueOrder
from app.issues.queries import (
    REPLAY_NUMBER,
    count_visible_replays,
    is_among,
    to_issue,
)
from app.issues.tables import issue_link_counts as counts, issue_releases, issues

_ESCAPED: Final = str.maketrans({"%": r"\%", "_": r"\_", "\\": r"\\"})
"""Signs that LIKE gives a meaning."""


@dataclass(frozen=True, slots=True)
class IssueFilters:
    """The filters of a list of issues; empty ones do not restrict it."""

    text: str = ""
    """Words that title or culprit hold, all of them."""
    level: str = ""
    kind: str = ""
    status: Status | Literal[""] = ""
    release: str = ""


async def list_issues(
    connection: AsyncConnection,
    project_ids: Sequence[ProjectId],
    filters: IssueFilters,
    *,
    visible_ids: Sequence[ProjectId],
    order: IssueOrder = LAST_SEEN,
    cursor: ListCursor | None = None,
    is_backward: bool = False,
    limit: int = 25,
) -> RowRun[Issue]:
    """Read issues in order, from a place in the list on.

    Args:
        connection: The connection to read with.
        project_ids: The projects whose issues are read.
        filters: The filters of their issues.
        visible_ids: The projects that the reader may see; replays of others are not counted.
        order: The order of the list.
        cursor: The place after which to read; None for the beginning.
        is_backward: True to read from the place towards the beginning of the list.
        limit: Issues at most.
    """
    query, replays = _select_with_replays(project_ids, visible_ids, is_sorted=order in BY_REPLAYS)
    query = query.where(is_among(issues.c.project_id, project_ids), *_make_conditions(filters))
    columns = IssueColumns(issues.c, replays)
    if cursor is not None:
        query = query.where(order.is_past(columns, cursor, is_backward=is_backward))
    query = order.sort(query, columns, is_backward=is_backward)
    rows = (await connection.execute(query.limit(limit + 1))).all()
    return cut_run([to_issue(row) for row in rows], limit)


async def has_issues(connection: AsyncConnection, project_ids: Sequence[ProjectId]) -> bool:
    """Tell whether there is an issue at all."""
    found = await connection.execute(
        select(issues.c.issue_id).where(is_among(issues.c.project_id, project_ids)).limit(1)
    )
    return found.first() is not None


def _select_with_replays(
    project_ids: Sequence[ProjectId], visible_ids: Sequence[ProjectId], *, is_sorted: bool
) -> tuple[Select[Any], ColumnElement[int]]:
    """Select issues with the number of their replays, and return that number's column.

    One by one for those that a page shows; in one go when all are sorted by it.
    """
    if not is_sorted:
        linked = count_visible_replays(is_among(counts.c.replay_project_id, visible_ids))
        return select(issues, linked.label("linked")), linked
    counted = (
        select(counts.c.project_id, counts.c.issue_id, REPLAY_NUMBER.label("n"))
        .where(
            is_among(counts.c.project_id, project_ids),
            is_among(counts.c.replay_project_id, visible_ids),
        )
        .group_by(counts.c.project_id, counts.c.issue_id)
        .subquery()
    )
    of_issue = (counted.c.project_id == issues.c.project_id) & (
        counted.c.issue_id == issues.c.issue_id
    )
    number = func.coalesce(counted.c.n, 0)
    return select(issues, number.label("linked")).outerjoin(counted, of_issue), number


def _make_conditions(filters: IssueFilters) -> list[ColumnElement[bool]]:
    named = (
        (issues.c.level, filters.level),
        (issues.c.kind, filters.kind),
        (issues.c.status, filters.status),
    )
    conditions: list[ColumnElement[bool]] = [column == value for column, value in named if value]
    for word in filters.text.split():
        like = f"%{word.translate(_ESCAPED)}%"
        conditions.append(or_(issues.c.title.ilike(like), issues.c.culprit.ilike(like)))
    if filters.release:
        conditions.append(
            select(issue_releases.c.release)
            .where(
                issue_releases.c.project_id == issues.c.project_id,
                issue_releases.c.issue_id == issues.c.issue_id,
                issue_releases.c.release == filters.release,
            )
            .exists()
        )
    return conditions
