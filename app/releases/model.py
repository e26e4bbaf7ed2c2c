"""Frozen values that this domain takes in and hands upward; no table objects."""

from dataclasses import dataclass
from datetime import date, datetime

from app.core.ids import ProjectId


@dataclass(frozen=True, slots=True, order=True)
class SessionCohort:
    """Sessions that are counted together: of one release, begun on one day, with one status."""

    project_id: ProjectId
    release: str
    environment: str
    day: date
    """The day in UTC."""
    status: str
    """`started` stands for all sessions; the other statuses say how a session ended."""


@dataclass(frozen=True, slots=True)
class SessionUpdate:
    """The numbers that one item adds to the counts of sessions."""

    project_id: ProjectId
    sid: str | None
    """Id of the session, whose statuses are counted once each; None for counts that the sender
    added up itself."""
    counts: tuple[tuple[SessionCohort, int], ...]


@dataclass(frozen=True, slots=True)
class Commit:
    """A commit of a release, as a build server reports it."""

    id: str
    repository: str
    author_name: str
    author_email: str
    message: str
    at: str
    """Its time as it was sent."""


@dataclass(frozen=True, slots=True)
class ReleaseChange:
    """The facts that a build server sends about a release; None and empty change nothing."""

    started_at: datetime | None = None
    released_at: datetime | None = None
    url: str | None = None
    ref: str | None = None
    """The commit or branch that it was built from."""
    is_archived: bool | None = None
    commits: tuple[Commit, ...] = ()
    """Its commits, the newest first; they replace those that were reported before."""


@dataclass(frozen=True, slots=True)
class Deploy:
    """A release that was brought to an environment."""

    id: int
    project_id: ProjectId
    version: str
    environment: str
    name: str | None
    url: str | None
    started_at: datetime | None
    finished_at: datetime


@dataclass(frozen=True, slots=True)
class Release:
    """A release of one or several projects, as far as build servers and sessions tell."""

    version: str
    project_ids: tuple[ProjectId, ...]
    made_at: datetime
    """The time at which it was first heard of."""
    started_at: datetime | None = None
    released_at: datetime | None = None
    url: str | None = None
    ref: str | None = None
    is_archived: bool = False
    commit_count: int = 0
    last_commit: Commit | None = None
    deploy_count: int = 0
    last_deploy: Deploy | None = None


@dataclass(frozen=True, slots=True)
class ReleaseBuild:
    """The facts that build servers sent about a release of one project."""

    version: str
    made_at: datetime
    """The time at which it was first named."""
    released_at: datetime | None
    url: str | None
    ref: str | None
    """The commit or branch that it was built from."""
    is_archived: bool
    commit_count: int
    commits: tuple[Commit, ...]
    """The newest of its commits, the newest first."""
    deploy_count: int
    deploys: tuple[Deploy, ...]
    """The latest of its deploys, the latest first."""
