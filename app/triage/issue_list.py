"""Reads the list of issues: of all projects or of one, filtered and in an order."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from app.accounts.model import Person
from app.core import clock
from app.db.engine import Database
from app.db.lists import ListCursor, ListPage, PageRequest, RowRun, read_page
from app.issues import list_queries, queries as issues
from app.issues.list_queries import IssueFilters
from app.issues.model import Issue, IssueKey
from app.issues.orders import LAST_SEEN, IssueOrder
from app.projects.model import Project
from app.triage import project_choice

PAGE_ROWS: Final = 25
CHART_DAYS: Final = 14


@dataclass(frozen=True, slots=True)
class IssueListRequest:
    """The page of the list that somebody asks for."""

    person: Person
    project: str = ""
    """Id of the only project to list, as an address has it; empty for all."""
    filters: IssueFilters = field(default_factory=IssueFilters)
    order: IssueOrder = LAST_SEEN
    page: PageRequest = field(default_factory=PageRequest)


@dataclass(frozen=True, slots=True)
class IssueListData:
    """A page of the list of issues."""

    read_at: datetime
    projects: tuple[Project, ...]
    """The projects that the reader may see."""
    page: ListPage[Issue]
    daily_events: Mapping[IssueKey, Mapping[datetime, int]]
    """Events of each issue by day, for the last `CHART_DAYS`; days without events are absent."""
    has_any: bool
    """True if the reader may see any issue at all, whatever the filters."""


async def read_issue_list(db: Database, request: IssueListRequest) -> IssueListData:
    """Read a page of the list of issues.

    Raises:
        NotFound: The person may not see the project.
    """
    now = clock.now()
    async with db.reading() as connection:
        choice = await project_choice.read_project_choice(
            connection, request.person, request.project
        )

        async def read_run(
            cursor: ListCursor | None, *, is_backward: bool, limit: int
        ) -> RowRun[Issue]:
            return await list_queries.list_issues(
                connection,
                choice.searched_ids,
                request.filters,
                visible_ids=choice.visible_ids,
                order=request.order,
                cursor=cursor,
                is_backward=is_backward,
                limit=limit,
            )

        page = await read_page(request.page, read_run, key_of=request.order.key_of, limit=PAGE_ROWS)
        keys = [(issue.project_id, issue.issue_id) for issue in page.rows]
        since = now - timedelta(days=CHART_DAYS)
        return IssueListData(
            now,
            choice.visible,
            page,
            await issues.count_events_over_time(connection, keys, since, "day"),
            has_any=bool(keys) or await list_queries.has_issues(connection, choice.visible_ids),
        )
