"""Turns what the use case of the list of issues has read into what its templates read."""

from collections.abc import Mapping
from datetime import datetime

from app.core.ids import ProjectId
from app.db.lists import ListCursor
from app.issues.model import Issue
from app.issues.orders import LAST_SEEN, IssueOrder
from app.playback.links import replay_clock
from app.triage.issue_list import CHART_DAYS, IssueListData
from app.web.frame.cursors import write_cursor
from app.web.issues.columns import COLUMNS
from app.web.issues.page import IssueFilterForm, IssueListPage, IssueRow
from app.web.urls import issue_urls, list_urls
from app.web.words import charts
from app.web.words.issue_kinds import KINDS, shape_of
from app.web.words.lists import ListState, ProjectOption, describe_heads, describe_orders


def build_list(data: IssueListData, form: IssueFilterForm, order: IssueOrder) -> IssueListPage:
    """Build the page of the list.

    Args:
        data: What the list shows.
        form: The filters above it.
        order: Its order.
    """
    names = {project.id: project.name for project in data.projects}
    rows = tuple(
        _build_row(
            issue,
            data.daily_events[issue.project_id, issue.issue_id],
            project_names=names,
            now=data.read_at,
        )
        for issue in data.page.rows
    )
    state: ListState = "nothing_matches" if data.has_any else "empty"
    page = data.page
    return IssueListPage(
        state="rows" if rows else state,
        rows=rows,
        projects=tuple(
            ProjectOption(project.id, project.name, str(project.id) == form.project)
            for project in data.projects
        ),
        filters=form,
        heads=describe_heads(COLUMNS, order, lambda other: _href(form, other)),
        orders=describe_orders(COLUMNS, order),
        back_href=_href(form, order, before=page.back) if page.back else None,
        next_href=_href(form, order, after=page.next) if page.next else None,
    )


def _build_row(
    issue: Issue,
    daily_events: Mapping[datetime, int],
    *,
    project_names: Mapping[ProjectId, str],
    now: datetime,
) -> IssueRow:
    return IssueRow(
        href=issue_urls.issue(issue.project_id, issue.issue_id),
        title=issue.title,
        culprit=issue.culprit,
        kind=KINDS.get(issue.kind, "Error"),
        shape=shape_of(issue.kind),
        source=replay_clock.find_side(issue.project_id, issue.project_id, issue.platform),
        level=issue.level,
        project_name=project_names.get(issue.project_id, ""),
        status=issue.status,
        is_regressed=issue.is_regressed,
        first_seen_at=issue.first_seen_at,
        last_seen_at=issue.last_seen_at,
        last_release=issue.last_release,
        events=issue.events,
        users=issue.users,
        replays=issue.replays,
        replays_href=issue_urls.issue_replays(issue.project_id, issue.issue_id),
        chart=charts.draw_days(daily_events, now, days=CHART_DAYS),
    )


def _href(
    form: IssueFilterForm, order: IssueOrder, *, after: ListCursor = (), before: ListCursor = ()
) -> str:
    """Return the address of the list with the same filters; the usual ones are left out."""
    return list_urls.issues(
        q=form.text,
        project=form.project,
        level=form.level,
        status=form.status if form.status != "open" else "",
        release=form.release,
        sort=order.name if order is not LAST_SEEN else "",
        after=write_cursor(after),
        before=write_cursor(before),
    )
