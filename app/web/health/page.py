"""Values that the template of the server's health reads."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from app.web.words.parts import ListPart

HealthTone = Literal["good", "warn", "bad"]


@dataclass(frozen=True, slots=True)
class HealthCheck:
    """A part of the server, and how it is in words."""

    name: str
    tone: HealthTone
    state: str
    """One or two words: `works`, `fills up`, `does not answer`."""
    text: str
    what_to_do: str = ""
    """What helps; empty if nothing is to be done."""


@dataclass(frozen=True, slots=True)
class RefusalRow:
    """Envelopes that were refused for one reason since the start."""

    reason: str
    quantity: int
    meaning: str
    what_to_do: str


@dataclass(frozen=True, slots=True)
class ProcessRow:
    """A process that runs on the database, or has left something in its journal."""

    host: str
    pid: int
    is_own: bool
    """True if it is the process that answers."""
    version: str
    is_other_version: bool
    """True if it is of another release than the one that answers."""
    roles: str
    state: str
    """One or two words: `runs`, `late`, `stopping`, `dead`, `has stopped`."""
    tone: HealthTone
    silence: str
    """Time since its last heartbeat: `3 s`."""
    waiting: str
    """The envelopes that wait in its journal; a dash without a journal."""
    oldest: str
    """For how long the oldest of that has waited; empty if nothing waits."""
    room: str
    """The room that is left for its journal; a dash without a journal."""
    clock: str
    """The difference of its clock from that of the database: `right`, `12.5 s ahead`."""
    is_clock_wrong: bool
    outage: str
    """The reason why it cannot use Postgres or the store; empty if it can."""
    forget_href: str | None
    """Where POST takes it from the list; None while it runs."""


@dataclass(frozen=True, slots=True)
class ServerQuarantineRow:
    """A quarantined envelope of any project."""

    received_at: datetime
    project: str
    project_href: str | None
    """None if the project is gone."""
    item_types: str
    reason: str
    body_bytes: int
    download_href: str | None
    retry_href: str
    asked_at: datetime | None = None
    """The time at which somebody asked for another try that no process has begun yet."""
    waiting: str = ""
    """What that waits for, in words."""
    is_being_read: bool = False
    """True while a process carries it out."""
    retry_fault: str | None = None
    """The reason why the last try came to nothing, if it did."""


@dataclass(frozen=True, slots=True)
class HealthPage:
    """The state of the server."""

    version: str
    is_ready: bool
    """True if `/health/ready` answers 200."""
    checks: tuple[HealthCheck, ...]
    processes: tuple[ProcessRow, ...]
    refusals: tuple[RefusalRow, ...]
    quarantined: int
    quarantine: tuple[ServerQuarantineRow, ...]
    quarantine_part: ListPart | None
    """The part of the quarantined envelopes that is shown; None if it is all of them."""
    problem: str | None = None

    @property
    def troubles(self) -> int:
        """The number of parts that are not well."""
        return sum(check.tone != "good" for check in self.checks)
