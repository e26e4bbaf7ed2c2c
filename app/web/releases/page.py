"""Values that the template of the releases of a project reads."""

from dataclasses import dataclass
from datetime import date
from typing import Literal

from app.core.ids import ProjectId
from app.web.words.charts import Chart


@dataclass(frozen=True, slots=True)
class ReleaseRow:
    """A release and its sessions."""

    release: str
    sessions: int
    crash_free: str
    """The share of sessions that did not crash, as it is written: never 100 % if one crashed."""
    tone: Literal["good", "warn", "bad"]
    """How good that share is."""
    crashed: int
    frozen: int
    """Sessions that the system ended, or in which the app stopped responding."""
    erring: int
    """Sessions that continued after an error."""
    last_day: date
    chart: Chart
    issues_href: str
    replays_href: str


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
    """How many days back sessions are counted."""
