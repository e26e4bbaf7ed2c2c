"""The settings of a project, and its log: who watched what, who changed what."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from app.audit.model import Line, View
from app.core.ids import PersonId, ProjectId
from app.memberships.model import Member, ProjectInvitation, Role
from app.web.urls import project_urls, replay_urls


@dataclass(frozen=True, slots=True)
class MemberForm:
    """A member, and what one may do about them."""

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
    invitations: tuple[ProjectInvitation, ...]
    roles: tuple[Role, ...]
    """Those that one may give."""
    invites: bool
    """Whether who is added must accept; an admin of the installation makes members directly."""
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class ViewRow:
    """Somebody opened the page of a replay."""

    at: datetime
    person: str
    replay_href: str
    replay_id: str


@dataclass(frozen=True, slots=True)
class LineRow:
    """Something that somebody did."""

    at: datetime
    person: str
    action: str
    """In words."""
    subject: str | None
    detail: str
    """What is known of it: `role: admin, by: command line`."""


@dataclass(frozen=True, slots=True)
class LogPage:
    """Who watched replays of a project, and what was done to it."""

    project_id: ProjectId
    name: str
    views: tuple[ViewRow, ...]
    lines: tuple[LineRow, ...]
    older_views_href: str | None
    older_lines_href: str | None


def members(found: Sequence[Member], *, role: Role, person_id: PersonId) -> tuple[MemberForm, ...]:
    """Describe the members of a project for somebody with a role.

    One changes people whose role one could give, and oneself last of all.
    """
    return tuple(
        MemberForm(
            one.person.name,
            one.person.email,
            one.role,
            may_change=role.includes(one.role) and one.person.id != person_id,
            remove_href=project_urls.remove_member(one.project_id, one.person.id),
        )
        for one in found
    )


def roles(role: Role) -> tuple[Role, ...]:
    """Return the roles that somebody may give: their own, and all below it."""
    return tuple(one for one in Role if role.includes(one))


def view_rows(found: Sequence[View], names: Mapping[PersonId, str]) -> tuple[ViewRow, ...]:
    """Describe who opened what."""
    return tuple(
        ViewRow(
            one.at,
            names.get(one.person_id, "somebody who has left"),
            replay_urls.replay(one.project_id, one.replay_id),
            one.replay_id,
        )
        for one in found
    )


def people_of(views: Sequence[View], lines: Sequence[Line]) -> list[PersonId]:
    """Return everybody that a log tells of."""
    found = {one.person_id for one in views} | {one.person_id for one in lines if one.person_id}
    return sorted(found | {whom for one in lines if (whom := _whom(one)) is not None})


def _whom(line: Line) -> PersonId | None:
    """Return the person that something was done to."""
    is_of_person = line.action.startswith(("member_", "person_", "link_"))
    return PersonId(int(line.subject)) if is_of_person and line.subject else None


def _subject(line: Line, names: Mapping[PersonId, str]) -> str | None:
    whom = _whom(line)
    return line.subject if whom is None else names.get(whom, line.subject)


def line_rows(found: Sequence[Line], names: Mapping[PersonId, str]) -> tuple[LineRow, ...]:
    """Describe what was done."""
    return tuple(
        LineRow(
            one.at,
            names.get(one.person_id, "somebody who has left") if one.person_id else "Playhead",
            one.action.replace("_", " ").capitalize(),
            _subject(one, names),
            ", ".join(f"{name.replace('_', ' ')}: {value}" for name, value in one.detail.items()),
        )
        for one in found
    )
