"""Turns the settings of a project into the values of their page."""

from app.administration.projects.project_settings import PART_MEMBERS, ProjectSettings
from app.memberships.model import Member, ProjectAccess, Role
from app.web.settings.page import MemberForm, SettingsPage
from app.web.urls import project_urls
from app.web.words.parts import describe_rows
from app.web.words.people.roles import describe_roles


def build_settings_page(
    access: ProjectAccess,
    settings: ProjectSettings,
    *,
    first_member: int = 0,
    problem: str | None = None,
) -> SettingsPage:
    """Build the settings of a project for an admin of it.

    Args:
        access: The project, and the role of whoever looks at it.
        settings: The members and invitations.
        first_member: Number of members to skip.
        problem: The mistake to correct in the form, if any.
    """
    project = access.project
    return SettingsPage(
        project_id=project.id,
        name=project.name,
        members=tuple(_build_member(member, access) for member in settings.members),
        members_part=describe_rows(
            "member",
            first=first_member,
            total=settings.member_total,
            size=PART_MEMBERS,
            href=lambda first: project_urls.settings(project.id, first_member=first),
        ),
        invitations=tuple(settings.invitations),
        roles=describe_roles(role for role in Role if access.role.includes(role)),
        viewers_see_bodies=project.viewers_see_bodies,
        allows_shares=project.allows_shares,
        invites=not access.person.is_admin,
        problem=problem,
    )


def _build_member(member: Member, access: ProjectAccess) -> MemberForm:
    """Build the form of a member; one changes others whose role one could give, not oneself."""
    return MemberForm(
        member.person.name,
        member.person.email,
        member.role,
        may_change=access.role.includes(member.role) and member.person.id != access.person.id,
        remove_href=project_urls.remove_member(member.project_id, member.person.id),
    )
