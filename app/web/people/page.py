"""Values that the templates of people read: the list, the form that invites, one person."""

from dataclasses import dataclass
from datetime import datetime

from app.core.ids import ProjectId
from app.web.words.parts import ListPart
from app.web.words.people.roles import RoleOption
from app.web.words.people.sign_in_rows import SignInRow


@dataclass(frozen=True, slots=True)
class PersonRow:
    """A person in the list."""

    name: str
    email: str
    href: str
    state: str
    """`active`, `invited` or `deactivated`."""
    is_admin: bool
    is_from_provider: bool
    projects: tuple[str, ...]
    """Some of their projects with their role: `Shop (viewer)`."""
    more_projects: int
    """The number of projects that are not among those."""
    last_sign_in_at: datetime | None
    link_expires_at: datetime | None
    """The time at which the link that they have not used yet expires; None if none works."""


@dataclass(frozen=True, slots=True)
class FilterOption:
    """People to show: all of them, those in a state, or the admins."""

    name: str
    label: str
    href: str
    is_selected: bool


@dataclass(frozen=True, slots=True)
class PeoplePage:
    """The people of the server."""

    people: tuple[PersonRow, ...]
    filters: tuple[FilterOption, ...]
    search: str
    show: str
    """The name of the selected filter."""
    part: ListPart | None
    """The part of the people that is shown; None if it is all of them."""


@dataclass(frozen=True, slots=True)
class JoinableProject:
    """A project to give a role in."""

    project_id: ProjectId
    name: str
    is_selected: bool = False


@dataclass(frozen=True, slots=True)
class InvitePage:
    """The form that adds a person; after a mistake with what was typed."""

    projects: tuple[JoinableProject, ...]
    roles: tuple[RoleOption, ...]
    days: tuple[int, ...]
    chosen_days: int
    server_admin_words: str
    email: str = ""
    name: str = ""
    is_admin: bool = False
    problem: str | None = None
    has_mail: bool = False
    """True if this server mails links."""


@dataclass(frozen=True, slots=True)
class MembershipForm:
    """A project of a person, and their role in it."""

    project_id: ProjectId
    name: str
    href: str
    role: str


@dataclass(frozen=True, slots=True)
class PersonPage:
    """A person: their way in, rights, projects and sign-ins."""

    name: str
    email: str
    state: str
    is_admin: bool
    is_from_provider: bool
    do_groups_decide: bool
    """True if groups of the sign-in provider say whether they are a server admin."""
    is_self: bool
    """True if it is the visitor's own account, of which another admin decides."""
    has_password: bool
    created_at: datetime
    last_sign_in_at: datetime | None
    link_expires_at: datetime | None
    days: tuple[int, ...]
    chosen_days: int
    server_admin_words: str
    memberships: tuple[MembershipForm, ...]
    other_projects: tuple[JoinableProject, ...]
    roles: tuple[RoleOption, ...]
    sign_ins: tuple[SignInRow, ...]
    is_sign_in_list_full: bool
    link_href: str
    withdraw_href: str
    deactivate_href: str
    reactivate_href: str
    admin_href: str
    role_href: str
    end_all_href: str
    problem: str | None = None
    has_mail: bool = False
    """True if this server mails links."""
