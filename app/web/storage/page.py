"""Values that the templates of the server's storage read."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class KindShare:
    """The stored data of one kind over all projects."""

    name: str
    size_bytes: int


@dataclass(frozen=True, slots=True)
class ProjectRow:
    """The stored data of a project."""

    name: str
    href: str
    size_bytes: int
    growth_bytes: int
    rules: str
    next_words: str
    """The day that is deleted next, and when: `2 Oct 2026, on 2 Nov 2026`."""


@dataclass(frozen=True, slots=True)
class KeptReplay:
    """A replay that is pinned or held."""

    href: str
    replay_id: str
    project: str
    words: str
    at: datetime


@dataclass(frozen=True, slots=True)
class EndedDay:
    """A day of a project that ended."""

    project: str
    day: str
    rule: str
    replays: int
    size_bytes: int
    ended_at: datetime
    is_swept: bool


@dataclass(frozen=True, slots=True)
class ServerForm:
    """The rules for all projects, as they were typed."""

    default_days: str = ""
    longest_days: str = ""


@dataclass(frozen=True, slots=True)
class StoragePage:
    """What fills the storage of the server, and until when."""

    size_bytes: int
    growth_bytes: int
    disk_total_bytes: int | None
    """None if objects are in a bucket."""
    disk_free_bytes: int | None
    forecast: str
    """`Full on 14 March 2027`, or that it does not fill up."""
    assumptions: str
    is_urgent: bool
    """True if the disk is full within a month."""
    kinds: tuple[KindShare, ...]
    projects: tuple[ProjectRow, ...]
    form: ServerForm
    setting_words: str | None
    """The longest time that the settings allow: `180 days`."""
    last_run_at: datetime | None
    run_problem: str | None
    ended: tuple[EndedDay, ...]
    pins: tuple[KeptReplay, ...]
    pinned: int
    holds: tuple[KeptReplay, ...]
    held: int
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class ServerConfirmPage:
    """The question before rules of the server are saved that delete something."""

    form: ServerForm
    default_words: str
    """The time for which projects without a rule keep data: `for 30 days`, `for ever`."""
    longest_words: str | None
    """The most that any project keeps: `180 days`; None if there is no such limit."""
    estimate: str | None
    """What goes: `about 3 replays, 1.0 GiB in all, of 2 Oct 2026`."""
    counted_days: str | None
    """The days whose counts go: `2 Oct 2026 to 31 Oct 2026`."""
