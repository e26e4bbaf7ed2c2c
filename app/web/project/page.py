"""Values that the templates of projects read: the list, the form for a new one, a project."""

from dataclasses import dataclass
from datetime import datetime

from app.core.ids import ProjectId, PublicKey
from app.memberships.model import ProjectInvitation
from app.web.words.outcomes import OutcomeSummary
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
    retention_href: str


@dataclass(frozen=True, slots=True)
class ProjectsPage:
    """The projects a person may see."""

    projects: tuple[ProjectCard, ...]
    invitations: tuple[ProjectInvitation, ...]
    may_create: bool
    part: ListPart | None = None
    """The part of the projects that is shown; None if it is all of them."""


@dataclass(frozen=True, slots=True)
class NewProjectPage:
    """The form for a new project; `problem` says what to correct."""

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
    last_used_at: datetime | None
    has_been_used: bool


@dataclass(frozen=True, slots=True)
class MemberRow:
    """A member of the project."""

    name: str
    email: str
    role: str


@dataclass(frozen=True, slots=True)
class QuarantineRow:
    """A quarantined envelope."""

    received_at: datetime
    item_types: str
    reason: str
    body_bytes: int
    href: str


@dataclass(frozen=True, slots=True)
class Storage:
    """The bytes of a project in object storage, and their limit."""

    video_bytes: int
    file_bytes: int
    limit_bytes: int | None
    deletes_oldest: bool
    """True if the oldest goes at the limit; otherwise new data is turned away."""
    words: str
    """What the project keeps, in one sentence."""
    retention_href: str
    may_change: bool

    @property
    def used_bytes(self) -> int:
        """The bytes of videos and files together."""
        return self.video_bytes + self.file_bytes


@dataclass(frozen=True, slots=True)
class MaskRow:
    """The replays of one SDK with one choice of masks."""

    sdk: str
    text: str
    """`masked`, `not masked` or `not known`."""
    images: str
    replays: int
    href: str
    """The list of these replays."""
    is_open: bool
    """True if texts or images are not masked."""
    last_received_at: datetime


@dataclass(frozen=True, slots=True)
class MaskSummary:
    """What the SDKs of a project mask, by the replays that came lately."""

    rows: tuple[MaskRow, ...]
    warning: str | None
    """The number of replays whose texts or images are not masked; None if none did."""


@dataclass(frozen=True, slots=True)
class ProjectPage:
    """One project: its DSN, what arrived and what did not, its storage, keys and members."""

    project_id: ProjectId
    name: str
    slug: str
    replays_href: str
    dsn: str | None
    """The DSN of the oldest key that is on; None if all keys are off."""
    keys: tuple[KeyRow, ...]
    keys_part: ListPart | None
    """The part of the keys that is shown; None if it is all of them."""
    outcomes: OutcomeSummary
    outcome_days: int
    """The number of days that `outcomes` covers."""
    quarantined: int
    """The number of envelopes that failed five times and wait for a person."""
    quarantine: tuple[QuarantineRow, ...]
    """Some of them, for admins of the project: a reason may quote what an app sent."""
    quarantine_part: ListPart | None
    """The part of the quarantined envelopes that is shown; None if it is all of them."""
    members: tuple[MemberRow, ...]
    members_part: ListPart | None
    """The part of the members that is shown; None if it is all of them."""
    has_replays: bool
    masks: MaskSummary
    storage: Storage
    may_change: bool = False
    """True if the visitor is an admin of the project."""
