"""Values that the templates of a project's rules read."""

from dataclasses import dataclass
from datetime import date, datetime

from app.core.ids import ProjectId
from app.retention.rules.rules_form import RulesForm


@dataclass(frozen=True, slots=True)
class KindRow:
    """The stored data of one kind."""

    name: str
    items: int
    size_bytes: int


@dataclass(frozen=True, slots=True)
class KeptRow:
    """A replay that is pinned or held."""

    href: str
    replay_id: str
    words: str
    """The reason why it is kept: `Case 4, until 30 Jun 2027: asked for by court`."""
    at: datetime
    by: str


@dataclass(frozen=True, slots=True)
class EndedRow:
    """A day that ended."""

    day: str
    rule: str
    replays: int
    size_bytes: int
    ended_at: datetime
    is_swept: bool
    """True if its objects are gone, too."""
    project: str | None = None


@dataclass(frozen=True, slots=True)
class RetentionPage:
    """The rules of a project, what it stores, and what has gone."""

    project_id: ProjectId
    name: str
    may_change: bool
    """True if the visitor is an admin of the project."""
    words: str
    """The rules that hold, in one sentence."""
    counts_words: str
    """The time for which counts are kept, in two sentences."""
    server_words: str
    """The consequence of the rule of the server: `for ever`."""
    longest_words: str | None
    """The longest time that the server keeps anything: `180 days`."""
    form: RulesForm
    kinds: tuple[KindRow, ...]
    debug_files: int
    """The number of debug files, to which the rules and the limit do not apply."""
    debug_bytes: int
    size_bytes: int
    limit_bytes: int | None
    oldest_day: str | None
    pins: tuple[KeptRow, ...]
    pinned: int
    holds: tuple[KeptRow, ...]
    held: int
    ended: tuple[EndedRow, ...]
    problem: str | None = None
    rules_problem: str | None = None
    """The mistake in a keep rule, which is shown beside the rules; names stand in backticks."""

    @property
    def is_full(self) -> bool:
        """True if the project stores as much as it may, and turns new data away."""
        if self.limit_bytes is None or self.form.at_limit != "refuse":
            return False
        return self.size_bytes >= self.limit_bytes


@dataclass(frozen=True, slots=True)
class ConfirmPage:
    """The question before rules are saved that delete something."""

    project_id: ProjectId
    name: str
    form: RulesForm
    words: str
    """The rules to be saved, in one sentence."""
    by_age_and_bytes: str | None
    by_keep_rules: str | None
    deletes_at_once: bool
    """False if nothing goes before the hours of the keep rules are over."""
    counted_days: str | None
    """The days whose counts go: `2 Oct 2026 to 31 Oct 2026`."""
    today: date
