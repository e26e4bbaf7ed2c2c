"""The list of issues."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from app.core.ids import ProjectId
from app.issues.model import Issue, Status
from app.issues.queries import IssueFilters, IssueSort
from app.playback.links import replay_clock
from app.web.urls import issue_urls
from app.web.words import charts
from app.web.words.charts import Chart
from app.web.words.issue_kinds import KINDS, shape_of
from app.web.words.lists import ListState, ProjectOption
from app.web.words.problems import Source

Shown = Literal["open", "resolved", "ignored", "all"]

SORTS: Final[dict[IssueSort, str]] = {
    "last_seen": "Last seen",
    "first_seen": "First seen",
    "events": "Events",
    "users": "Users",
    "replays": "Replays",
}
LEVELS: Final = ("fatal", "error", "warning", "info", "debug")
STATUSES: Final[dict[Shown, str]] = {
    "open": "Open",
    "resolved": "Resolved",
    "ignored": "Ignored",
    "all": "All",
}
CHART_DAYS: Final = 14


@dataclass(frozen=True, slots=True)
class IssueRow:
    """One issue in the list."""

    href: str
    title: str
    culprit: str | None
    kind: str
    """In words."""
    shape: Literal["crash", "error"]
    source: Source
    level: str
    project_name: str
    status: Status
    is_regressed: bool
    first_seen_at: datetime
    last_seen_at: datetime
    last_release: str | None
    events: int
    users: int
    replays: int
    replays_href: str
    chart: Chart


@dataclass(frozen=True, slots=True)
class Filters:
    """What the form above the list holds."""

    text: str
    project: str
    level: str
    status: Shown
    release: str
    sort: IssueSort

    @property
    def is_set(self) -> bool:
        """Whether anything but the usual is asked for."""
        return (
            bool(self.text or self.project or self.level or self.release) or self.status != "open"
        )


@dataclass(frozen=True, slots=True)
class IssueListPage:
    """The list with its filters."""

    state: ListState
    rows: tuple[IssueRow, ...]
    projects: tuple[ProjectOption, ...]
    filters: Filters
    newer_href: str | None
    older_href: str | None

    # What the form offers.
    sorts: Mapping[IssueSort, str]
    levels: Sequence[str]
    statuses: Mapping[Shown, str]


def wanted_of(filters: Filters) -> IssueFilters:
    """Turn the form into what is looked for."""
    return IssueFilters(
        text=filters.text,
        level=filters.level,
        status="" if filters.status == "all" else filters.status,
        release=filters.release,
        sort=filters.sort,
    )


def row(
    issue: Issue,
    days: Mapping[datetime, int],
    *,
    project_names: Mapping[ProjectId, str],
    now: datetime,
) -> IssueRow:
    """Describe one issue."""
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
        chart=charts.days(days, now, most=CHART_DAYS),
    )
