"""Values that the templates of a project's settings and activity log read."""

from dataclasses import dataclass
from datetime import datetime

from app.core.ids import ProjectId
from app.memberships.model import ProjectInvitation, Role
from app.web.words.one_time_links import OneTimeLinkCard
from app.web.words.parts import ListPart
from app.web.words.roles import RoleOption


@dataclass(frozen=True, slots=True)
class MemberForm:
    """A member, and whether the visitor may change their role."""

    name: str
    email: str
    role: Role
    may_change: bool
    remove_href: str


@dataclass(frozen=True, slots=True)
class SettingsPage:
    """The name of a project and its members, in forms."""

    project_id: ProjectId
    name: str
    members: tuple[MemberForm, ...]
    members_part: ListPart | None
    """The part of the members that is shown; None if it is all of them."""
    invitations: tuple[ProjectInvitation, ...]
    roles: tuple[RoleOption, ...]
    """The roles that the visitor may give."""
    viewers_see_bodies: bool
    invites: bool
    """Whether a new member must accept first; admins of the server add members directly."""
    problem: str | None = None
    """The mistake to correct in the form."""


@dataclass(frozen=True, slots=True)
class InvitedPage:
    """A project to which somebody was invited who had no account, and their link."""

    project_id: ProjectId
    name: str
    link: OneTimeLinkCard


@dataclass(frozen=True, slots=True)
class ViewRow:
    """A row that says who opened the page of a replay, and when."""

    at: datetime
    person: str
    replay_href: str
    replay_id: str


@dataclass(frozen=True, slots=True)
class LineRow:
    """A row of the audit log: an action, and who took it."""

    at: datetime
    person: str
    action: str
    """The action in words: `Member set`."""
    subject: str | None
    detail: str
    """The facts that were recorded: `role: admin, by: command line`."""


@dataclass(frozen=True, slots=True)
class LogPage:
    """The page that shows who watched replays of a project, and who changed its settings."""

    project_id: ProjectId
    name: str
    views: tuple[ViewRow, ...]
    lines: tuple[LineRow, ...]
    older_views_href: str | None
    older_lines_href: str | None
