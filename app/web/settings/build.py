"""Turns the settings and the activity log of a project into the values of their pages."""

from collections.abc import Mapping
from typing import Final

from app.administration.projects.activity_log import ActivityLog, person_acted_on
from app.administration.projects.project_settings import PART_MEMBERS, ProjectSettings
from app.audit.model import AuditLine, ReplayView
from app.core.ids import PersonId
from app.memberships.model import Member, ProjectAccess, Role
from app.projects.model import Project
from app.web.settings.page import LineRow, LogPage, MemberForm, SettingsPage, ViewRow
from app.web.urls import project_urls, replay_urls
from app.web.words.parts import describe_rows
from app.web.words.roles import describe_roles

_GONE: Final = "somebody who has left"


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
        problem: What to correct in the form.
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
        invites=not access.person.is_admin,
        problem=problem,
    )


def build_log_page(project: Project, log: ActivityLog, *, views: int, lines: int) -> LogPage:
    """Build the activity log of a project.

    Args:
        project: The project.
        log: A part of each of its two lists.
        views: The id of the view before which the shown views begin; 0 for the newest.
        lines: The id of the line before which the shown actions begin; 0 for the newest.
    """
    older_views, older_lines = log.older_views_before, log.older_lines_before
    return LogPage(
        project_id=project.id,
        name=project.name,
        views=tuple(_build_view_row(view, log.names) for view in log.views),
        lines=tuple(_build_line_row(line, log.names) for line in log.lines),
        older_views_href=project_urls.project_log(project.id, views=older_views, lines=lines)
        if older_views
        else None,
        older_lines_href=project_urls.project_log(project.id, views=views, lines=older_lines)
        if older_lines
        else None,
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


def _build_view_row(view: ReplayView, names: Mapping[PersonId, str]) -> ViewRow:
    return ViewRow(
        view.at,
        names.get(view.person_id, _GONE),
        replay_urls.replay(view.project_id, view.replay_id),
        view.replay_id,
    )


def _build_line_row(line: AuditLine, names: Mapping[PersonId, str]) -> LineRow:
    return LineRow(
        line.at,
        names.get(line.person_id, _GONE) if line.person_id else "Playhead",
        line.action.replace("_", " ").capitalize(),
        _name_subject(line, names),
        ", ".join(f"{name.replace('_', ' ')}: {value}" for name, value in line.detail.items()),
    )


def _name_subject(line: AuditLine, names: Mapping[PersonId, str]) -> str | None:
    person_id = person_acted_on(line)
    return line.subject if person_id is None else names.get(person_id, line.subject)
