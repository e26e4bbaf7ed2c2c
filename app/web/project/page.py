"""Projects: the list, a new one, and one project's page."""

from dataclasses import dataclass
from datetime import datetime

from app.core.ids import ProjectId, PublicKey
from app.memberships.model import ProjectInvitation
from app.web.words.outcomes import WhatArrived
from app.web.words.parts import ListPart


@dataclass(frozen=True, slots=True)
class ProjectCard:
    """One project in the list."""

    project_id: ProjectId
    name: str
    href: str
    replays_href: str
    dsn: str | None
    replays: int
    last_received_at: datetime | None
    role: str


@dataclass(frozen=True, slots=True)
class ProjectsPage:
    """The projects a person may see."""

    projects: tuple[ProjectCard, ...]
    invitations: tuple[ProjectInvitation, ...]
    may_create: bool
    part: ListPart | None = None
    """Which of the projects these are; None if they are all."""


@dataclass(frozen=True, slots=True)
class NewProjectPage:
    """The form for a new project; `problem` says what to mend."""

    name: str = ""
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class KeyRow:
    """One key of a project with its DSN."""

    public_key: PublicKey
    label: str
    dsn: str
    is_active: bool
    created_at: datetime


@dataclass(frozen=True, slots=True)
class MemberRow:
    """A person of the project."""

    name: str
    email: str
    role: str


@dataclass(frozen=True, slots=True)
class QuarantineRow:
    """An envelope that was put aside."""

    received_at: datetime
    item_types: str
    reason: str
    body_bytes: int
    href: str


@dataclass(frozen=True, slots=True)
class Storage:
    """What a project has in storage, and what it may have."""

    video_bytes: int
    file_bytes: int
    limit_bytes: int | None
    may_change: bool
    problem: str | None = None
    """What to mend in the form."""

    @property
    def used_bytes(self) -> int:
        """All of it."""
        return self.video_bytes + self.file_bytes

    @property
    def limit_gib(self) -> str:
        """The limit as the form shows it; empty: none."""
        if self.limit_bytes is None:
            return ""
        return f"{self.limit_bytes / 2**30:.6f}".rstrip("0").rstrip(".")


@dataclass(frozen=True, slots=True)
class ProjectPage:
    """One project: its DSN, how to set an app up, what arrived and what did not."""

    project_id: ProjectId
    name: str
    slug: str
    replays_href: str
    dsn: str | None
    """Of the first active key; None when all keys are off."""
    keys: tuple[KeyRow, ...]
    arrived: WhatArrived
    outcome_days: int
    """How many days it covers."""
    quarantined: int
    """Envelopes that failed five times and wait for a person."""
    quarantine: tuple[QuarantineRow, ...]
    """Some of them, for admins: a reason may quote what an app sent."""
    members: tuple[MemberRow, ...]
    has_replays: bool
    storage: Storage
    may_change: bool = False
    """Whether the visitor is an admin of it."""
    quarantine_part: ListPart | None = None
    """Which of the quarantined envelopes are shown; None if they are all."""
