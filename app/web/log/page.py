"""Values that the template of the log reads."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class LogLink:
    """A thing that a line is about; without an address if it has no page."""

    text: str
    href: str | None = None
    is_id: bool = False
    """True if the text is an id, and not a name."""


@dataclass(frozen=True, slots=True)
class AuditLogRow:
    """A line of the log."""

    at: datetime
    person: LogLink
    """Who did it; its address is the log of what they did."""
    action: str
    """What they did, in words: `Watched a replay`."""
    subject: LogLink | None
    """Whom or what it was done to."""
    project: LogLink | None
    """Its project, where lines of several are shown."""
    detail: str
    """The facts that were recorded: `role: admin, by: command line`."""


@dataclass(frozen=True, slots=True)
class KindOption:
    """A kind of lines to filter by."""

    name: str
    label: str
    is_selected: bool


@dataclass(frozen=True, slots=True)
class LogForm:
    """The filters, as they were typed."""

    action: str
    """The address of the log."""
    person: str
    person_hint: str
    since: str
    until: str
    replay: str
    kinds: Sequence[KindOption]


@dataclass(frozen=True, slots=True)
class LogPage:
    """A page of the log with its filters."""

    title: str
    project_id: int | None
    name: str
    """The name of the project; empty for the log of the server."""
    form: LogForm
    rows: tuple[AuditLogRow, ...]
    is_filtered: bool
    clear_href: str
    back_href: str | None
    next_href: str | None
    csv_href: str
    json_href: str
    replay_href: str | None
    """The replay whose lines are shown, if they are filtered so."""
    problem: str | None = None
