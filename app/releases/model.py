"""What this domain takes in and hands upward: frozen values, no table objects."""

from dataclasses import dataclass
from datetime import date

from app.core.ids import ProjectId


@dataclass(frozen=True, slots=True, order=True)
class SessionCount:
    """What is counted: sessions of a release that began on this day (UTC) and have this status.

    `started` counts all of them; the other statuses say how they ended.
    """

    project_id: ProjectId
    release: str
    environment: str
    day: date
    status: str


@dataclass(frozen=True, slots=True)
class SessionUpdate:
    """What one item adds to the counts of sessions."""

    project_id: ProjectId
    sid: str | None
    """Of the one session it tells of: what is known of that already is not counted again."""
    counts: tuple[tuple[SessionCount, int], ...]
