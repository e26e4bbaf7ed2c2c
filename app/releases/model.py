"""Frozen values that this domain takes in and hands upward; no table objects."""

from dataclasses import dataclass
from datetime import date

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
