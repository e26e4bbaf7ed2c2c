"""Values that the templates of the list of issues read."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Literal

from app.issues.model import Status
from app.web.words.charts import Chart
from app.web.words.lists import ColumnHead, ListState, OrderOption, ProjectOption
from app.web.words.panels.problems import Source

ShownStatus = Literal["open", "resolved", "ignored", "all"]

LEVELS: Final = ("fatal", "error", "warning", "info", "debug")
STATUSES: Final[dict[ShownStatus, str]] = {
    "open": "Open",
    "resolved": "Resolved",
    "ignored": "Ignored",
    "all": "All",
}


@dataclass(frozen=True, slots=True)
class IssueRow:
    """One issue in the list."""

    href: str
    title: str
    culprit: str | None
    kind: str
    """Kind of the error in words."""
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
class IssueFilterForm:
    """The fields of the form above the list."""

    text: str
    project: str
    level: str
    status: ShownStatus
    release: str

    @property
    def is_set(self) -> bool:
        """True if anything but the open issues of all projects is asked for."""
        is_restricted = bool(self.text or self.project or self.level or self.release)
        return is_restricted or self.status != "open"


@dataclass(frozen=True, slots=True)
class IssueListPage:
    """The list with its filters."""

    state: ListState
    rows: tuple[IssueRow, ...]
    projects: tuple[ProjectOption, ...]
    filters: IssueFilterForm
    heads: tuple[ColumnHead, ...]
    orders: tuple[OrderOption, ...]
    back_href: str | None
    next_href: str | None
    levels: Sequence[str] = LEVELS
    statuses: Mapping[ShownStatus, str] = field(default_factory=lambda: STATUSES)

    @property
    def order_text(self) -> str:
        """The chosen order in words that may stand inside a sentence."""
        return next(option.label for option in self.orders if option.is_selected).lower()
