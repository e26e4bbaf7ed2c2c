"""Values that the templates of a project's settings read."""

from dataclasses import dataclass

from app.core.ids import ProjectId
from app.memberships.model import ProjectInvitation, Role
from app.web.words.parts import ListPart
from app.web.words.people.one_time_links import OneTimeLinkCard
from app.web.words.people.roles import RoleOption


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
    allows_shares: bool
    invites: bool
    """True if a new member must accept first; admins of the server add members directly."""
    problem: str | None = None
    """The mistake to correct in the form."""


@dataclass(frozen=True, slots=True)
class InvitedPage:
    """A project to which somebody was invited who had no account, and their link."""

    project_id: ProjectId
    name: str
    link: OneTimeLinkCard
