"""Values that the template of the releases of a project reads."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

from app.core.ids import ProjectId
from app.web.words.charts import Chart


@dataclass(frozen=True, slots=True)
class CommitRow:
    """A commit of a release."""

    short_id: str
    title: str
    """The first line of its message."""
    author: str


@dataclass(frozen=True, slots=True)
class DeployRow:
    """A release that was brought to an environment."""

    environment: str
    finished_at: datetime
    href: str | None
    """Where the build server tells of it; None unless it named a web address."""


@dataclass(frozen=True, slots=True)
class BuildFacts:
    """The facts that build servers reported about a release."""

    at: datetime
    """The time at which it was released, or else first named."""
    is_released: bool
    is_archived: bool
    ref: str
    """The commit or branch that it was built from, shortened; empty if none was named."""
    href: str | None
    """Where the build server tells of it; None unless it named a web address."""
    commits: tuple[CommitRow, ...]
    """The newest first."""
    more_commits: int
    deploys: tuple[DeployRow, ...]
    """The latest first."""
    more_deploys: int


@dataclass(frozen=True, slots=True)
class ReleaseRow:
    """A release, its sessions, and what build servers said about it."""

    release: str
    sessions: int
    crash_free: str
    """The share of sessions that did not crash, as it is written: never 100 % if one crashed."""
    tone: Literal["good", "warn", "bad"]
    """The rating of that share."""
    crashed: int
    frozen: int
    """Sessions that the system ended, or in which the app stopped responding."""
    erring: int
    """Sessions that continued after an error."""
    last_day: date | None
    """The last day with sessions; None if it had none."""
    chart: Chart
    issues_href: str
    replays_href: str
    build: BuildFacts | None = None
    """None if no build server has named it."""


@dataclass(frozen=True, slots=True)
class ReleasesPage:
    """The releases of a project, the latest first."""

    project_id: ProjectId
    name: str
    rows: tuple[ReleaseRow, ...]
    environments: tuple[str, ...]
    environment: str
    """The environment that is shown; empty for all."""
    days: int
    """The number of days over which sessions are counted."""
