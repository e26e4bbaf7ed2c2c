"""The list of issues."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, get_args

from fastapi import APIRouter
from sqlalchemy.ext.asyncio import AsyncConnection
from starlette.requests import Request
from starlette.responses import Response

from app.core import clock
from app.core.errors import NotFound
from app.issues import queries as issues
from app.issues.model import Issue, IssueKey
from app.issues.queries import IssueSort
from app.memberships import queries as memberships
from app.projects.model import Project
from app.web.frame import access, answer
from app.web.frame.services import services_of
from app.web.issues import cursors, page as issue_list
from app.web.issues.page import Filters, IssueListPage, Shown
from app.web.urls import list_urls
from app.web.words.lists import ListState, ProjectOption

router = APIRouter()

PAGE_ROWS: Final = 25
_LONGEST_CHARS: Final = 200
_SORTS: Final[dict[str, IssueSort]] = {name: name for name in get_args(IssueSort)}
_STATUSES: Final[dict[str, Shown]] = {name: name for name in get_args(Shown)}
_BY_TIME: Final = frozenset({"last_seen", "first_seen"})


@dataclass(frozen=True, slots=True)
class _Found:
    """A page of issues with what is counted of each, and whether there are more."""

    issues: Sequence[Issue]
    days: Mapping[IssueKey, Mapping[datetime, int]]
    has_newer: bool
    has_older: bool
    is_any: bool


@router.get(list_urls.ISSUES)
async def show_issues(
    request: Request, visitor: access.CurrentVisitor, after: str = "", before: str = ""
) -> Response:
    """Show a page of issues: open ones first seen last, unless the address says otherwise."""
    filters = _filters(request)
    async with services_of(request).db.reading() as connection:
        listed = await memberships.list_projects(connection, visitor.person)
        found = await _find(connection, listed, filters, after=after, before=before)
    page = _page(listed, filters, found)
    return await answer.render_page(request, "issues/page.html", page)


def _filters(request: Request) -> Filters:
    """Read the form above the list; what it does not offer counts as not chosen."""
    query = request.query_params
    level = query.get("level", "")
    return Filters(
        text=query.get("q", "").replace("\0", "").strip()[:_LONGEST_CHARS],
        project=query.get("project", ""),
        level=level if level in issue_list.LEVELS else "",
        status=_STATUSES.get(query.get("status", ""), "open"),
        release=query.get("release", "").replace("\0", "").strip()[:_LONGEST_CHARS],
        sort=_SORTS.get(query.get("sort", ""), "last_seen"),
    )


async def _find(
    connection: AsyncConnection,
    listed: Sequence[Project],
    filters: Filters,
    *,
    after: str,
    before: str,
) -> _Found:
    """Read one issue more than a page shows, to know whether there is another page.

    Raises:
        NotFound: The person has no such project.
    """
    seen = [one.id for one in listed]
    searched = [one for one in seen if not filters.project or str(one) == filters.project]
    if filters.project and not searched:
        raise NotFound("no such project")
    wanted = issue_list.wanted_of(filters)
    by_time = filters.sort in _BY_TIME
    most = PAGE_ROWS + 1
    has_newer, has_older = False, False
    rows: Sequence[Issue] = ()
    if after:
        place = cursors.read(after, is_backward=True, by_time=by_time)
        rows = await issues.list_issues(
            connection, searched, wanted, seen=seen, place=place, limit=most
        )
        has_newer, has_older, rows = len(rows) > PAGE_ROWS, True, rows[-PAGE_ROWS:]
    # A page towards the top that is not full is the first page.
    if len(rows) < PAGE_ROWS:
        edge = before and not after
        place_before = cursors.read(before, is_backward=False, by_time=by_time) if edge else None
        rows = await issues.list_issues(
            connection, searched, wanted, seen=seen, place=place_before, limit=most
        )
        has_newer, has_older, rows = bool(edge), len(rows) > PAGE_ROWS, rows[:PAGE_ROWS]
    keys = [(one.project_id, one.issue_id) for one in rows]
    since = clock.now() - timedelta(days=issue_list.CHART_DAYS)
    return _Found(
        rows,
        await issues.count_events_over_time(connection, keys, since, "day"),
        has_newer=has_newer,
        has_older=has_older,
        is_any=bool(rows) or await issues.has_issues(connection, seen),
    )


def _page(listed: Sequence[Project], filters: Filters, found: _Found) -> IssueListPage:
    names = {one.id: one.name for one in listed}
    now = clock.now()
    rows = tuple(
        issue_list.row(
            issue,
            found.days[issue.project_id, issue.issue_id],
            project_names=names,
            now=now,
        )
        for issue in found.issues
    )
    state: ListState = "rows" if rows else "nothing_matches" if found.is_any else "empty"
    return IssueListPage(
        state=state,
        rows=rows,
        projects=tuple(
            ProjectOption(one.id, one.name, str(one.id) == filters.project) for one in listed
        ),
        filters=filters,
        newer_href=_turn(found, filters, newer=True),
        older_href=_turn(found, filters, newer=False),
        sorts=issue_list.SORTS,
        levels=issue_list.LEVELS,
        statuses=issue_list.STATUSES,
    )


def _turn(found: _Found, filters: Filters, *, newer: bool) -> str | None:
    """Return the address of the next page in one direction, if there is one."""
    if not found.issues or not (found.has_newer if newer else found.has_older):
        return None
    edge = found.issues[0] if newer else found.issues[-1]
    place = cursors.write(issues.locate_issue(edge, filters.sort))
    return list_urls.issues(**query_of(filters), **{"after" if newer else "before": place})


def query_of(filters: Filters) -> dict[str, str]:
    """Return what the address of a list says of its filters; the usual is not said."""
    return {
        "q": filters.text,
        "project": filters.project,
        "level": filters.level,
        "status": filters.status if filters.status != "open" else "",
        "release": filters.release,
        "sort": filters.sort if filters.sort != "last_seen" else "",
    }
