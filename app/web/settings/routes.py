"""The settings of a project: its name and its members; and its log."""

from typing import Final

from fastapi import APIRouter
from sqlalchemy.ext.asyncio import AsyncConnection
from starlette.requests import Request
from starlette.responses import Response

from app.accounts import queries as accounts, writes as accounts_writes
from app.audit import queries as audit, writes as audit_writes
from app.audit.model import Action, Detail
from app.core.errors import InvalidInput, NotFound, PermissionDenied
from app.core.ids import PersonId, ProjectId
from app.memberships import invitations, queries as memberships, writes as membership_writes
from app.memberships.model import ProjectAccess, Role
from app.projects import writes as projects_writes
from app.web.frame import access, answer, forms
from app.web.frame.services import services_of
from app.web.settings import page as view
from app.web.settings.page import LogPage, SettingsPage
from app.web.urls import project_urls
from app.web.urls.routing import route_to
from app.web.words import phrases

router = APIRouter()

LOG_ROWS: Final = 50


@router.get(route_to(project_urls.settings))
async def show_settings(request: Request, inside: access.CurrentProject) -> Response:
    """Show the name and the members of a project, to be changed."""
    inside.need(Role.ADMIN)
    async with services_of(request).db.reading() as connection:
        page = await _page(connection, inside, None)
    return await answer.render_page(request, "project/settings.html", page)


@router.post(route_to(project_urls.rename_project))
async def rename_project(request: Request, inside: access.CurrentProject) -> Response:
    """Give a project another name; its slug and its DSNs stay."""
    inside.need(Role.ADMIN)
    name = (await forms.read_form(request)).get("name", "")
    try:
        async with services_of(request).db.transaction() as connection:
            await projects_writes.rename_project(connection, inside.project.id, name)
            await _note(connection, inside, Action.PROJECT_CHANGED, {"name": name.strip()})
    except InvalidInput as error:
        return await _ask_again(request, inside, error)
    return answer.redirect(project_urls.settings(inside.project.id), done="project-renamed")


@router.post(route_to(project_urls.members))
async def set_member(request: Request, inside: access.CurrentProject) -> Response:
    """Give a member another role, or invite somebody."""
    inside.need(Role.ADMIN)
    fields = await forms.read_form(request)
    try:
        role = _read_role(inside, fields.get("role", ""))
        async with services_of(request).db.transaction() as connection:
            done = await _set_or_invite(connection, inside, fields.get("email", ""), role)
    except InvalidInput as error:
        return await _ask_again(request, inside, error)
    return answer.redirect(project_urls.settings(inside.project.id), done=done)


@router.post(route_to(project_urls.withdraw_invitation))
async def withdraw_invitation(request: Request, inside: access.CurrentProject) -> Response:
    """Take an invitation back; does nothing when it does not wait any more."""
    inside.need(Role.ADMIN)
    email = (await forms.read_form(request)).get("email", "")
    async with services_of(request).db.transaction() as connection:
        if await invitations.withdraw(connection, inside.project.id, email):
            await _note(connection, inside, Action.INVITATION_WITHDRAWN, {"email": email})
    return answer.redirect(project_urls.settings(inside.project.id), done="invitation-withdrawn")


@router.post(route_to(project_urls.invitation))
async def answer_invitation(
    request: Request, visitor: access.CurrentVisitor, project_id: access.RowId
) -> Response:
    """Accept or decline an invitation to a project that one is not in yet."""
    is_accepted = (await forms.read_form(request)).get("answer") == "accept"
    project = ProjectId(project_id)
    async with services_of(request).db.transaction() as connection:
        if is_accepted:
            role = await invitations.accept(connection, visitor.person, project)
            action, detail = Action.INVITATION_ACCEPTED, {"role": role}
        elif await invitations.withdraw(connection, project, visitor.person.email):
            action, detail = Action.INVITATION_DECLINED, {}
        else:
            raise NotFound("no invitation to this project")
        await audit_writes.add_line(
            connection, action, person_id=visitor.person.id, project_id=project, detail=detail
        )
    if is_accepted:
        return answer.redirect(project_urls.project(project), done="invitation-accepted")
    return answer.redirect(project_urls.PROJECTS, done="invitation-declined")


@router.post(route_to(project_urls.remove_member))
async def remove_member(
    request: Request, inside: access.CurrentProject, person_id: access.RowId
) -> Response:
    """Take somebody out of the project; their account stays."""
    inside.need(Role.ADMIN)
    leaving = PersonId(person_id)
    try:
        async with services_of(request).db.transaction() as connection:
            await _need_power(connection, inside, leaving)
            await membership_writes.remove_member(connection, inside.project.id, leaving)
            await _note(connection, inside, Action.MEMBER_REMOVED, {}, subject=leaving)
    except InvalidInput as error:
        return await _ask_again(request, inside, error)
    return answer.redirect(project_urls.settings(inside.project.id), done="member-removed")


@router.get(route_to(project_urls.project_log))
async def show_log(
    request: Request,
    inside: access.CurrentProject,
    views: access.RowId = 0,
    lines: access.RowId = 0,
) -> Response:
    """Show who watched replays of the project, and who did what to it."""
    inside.need(Role.ADMIN)
    project_id = inside.project.id
    async with services_of(request).db.reading() as connection:
        seen = await audit.views(
            connection, project_id, before_id=views or None, limit=LOG_ROWS + 1
        )
        done = await audit.lines(
            connection, project_id=project_id, before_id=lines or None, limit=LOG_ROWS + 1
        )
        names = await accounts.names_of(connection, view.people_of(seen, done))
    older_views = seen[LOG_ROWS - 1].id if len(seen) > LOG_ROWS else 0
    older_lines = done[LOG_ROWS - 1].id if len(done) > LOG_ROWS else 0
    page = LogPage(
        project_id=project_id,
        name=inside.project.name,
        views=view.view_rows(seen[:LOG_ROWS], names),
        lines=view.line_rows(done[:LOG_ROWS], names),
        older_views_href=project_urls.project_log(project_id, views=older_views, lines=lines)
        if older_views
        else None,
        older_lines_href=project_urls.project_log(project_id, views=views, lines=older_lines)
        if older_lines
        else None,
    )
    return await answer.render_page(request, "project/log.html", page)


def _read_role(inside: ProjectAccess, wanted: str) -> Role:
    """Read a role that the visitor may give.

    Raises:
        PermissionDenied: It is above one's own.
        InvalidInput: There is no such role.
    """
    if wanted not in set(Role):
        raise InvalidInput("the form names no role")
    role = Role(wanted)
    if not inside.role.includes(role):
        raise PermissionDenied(f"you are {inside.role} here and cannot make somebody {role}")
    return role


async def _set_or_invite(
    connection: AsyncConnection, inside: ProjectAccess, email: str, role: Role
) -> str:
    """Give a role to a member, or to anybody if an admin of the installation does it; else invite.

    Returns:
        The code of the notice that says what happened.

    Raises:
        PermissionDenied: Their role is above one's own.
        InvalidInput: It is no address, no owner would be left, or, told to an admin of the
            installation only, nobody has this address.
    """
    person = await accounts.find_person(connection, email)
    is_member = person is not None and person.id in {
        member.person.id for member in await memberships.list_members(connection, inside.project.id)
    }
    if not is_member and not inside.person.is_admin:
        await invitations.invite(connection, inside.project.id, email, role)
        detail: Detail = {"email": accounts_writes.read_email(email), "role": role}
        await _note(connection, inside, Action.INVITATION_MADE, detail)
        return "invited"
    if person is None or person.disabled_at is not None:
        raise InvalidInput("nobody has an account with this address: `playhead user add` makes one")
    await _need_power(connection, inside, person.id)
    await membership_writes.set_member(connection, inside.project.id, person.id, role)
    await _note(connection, inside, Action.MEMBER_SET, {"role": role}, subject=person.id)
    return "member-set"


async def _need_power(
    connection: AsyncConnection, inside: ProjectAccess, person_id: PersonId
) -> None:
    """Make sure that one may change what somebody may.

    Raises:
        PermissionDenied: Their role is above one's own.
    """
    members = await memberships.list_members(connection, inside.project.id)
    role = next((one.role for one in members if one.person.id == person_id), Role.VIEWER)
    if not inside.role.includes(role):
        raise PermissionDenied(f"you are {inside.role} here and cannot change what an {role} may")


async def _note(
    connection: AsyncConnection,
    inside: ProjectAccess,
    action: Action,
    detail: Detail,
    *,
    subject: PersonId | None = None,
) -> None:
    await audit_writes.add_line(
        connection,
        action,
        person_id=inside.person.id,
        project_id=inside.project.id,
        subject=str(subject) if subject is not None else None,
        detail=detail,
    )


async def _ask_again(request: Request, inside: ProjectAccess, error: InvalidInput) -> Response:
    async with services_of(request).db.reading() as connection:
        page = await _page(connection, inside, phrases.sentence(str(error)))
    return await answer.render_page(request, "project/settings.html", page, status=400)


async def _page(
    connection: AsyncConnection, inside: ProjectAccess, problem: str | None
) -> SettingsPage:
    found = await memberships.list_members(connection, inside.project.id)
    return SettingsPage(
        project_id=inside.project.id,
        name=inside.project.name,
        members=view.members(found, role=inside.role, person_id=inside.person.id),
        invitations=tuple(await invitations.list_invitations(connection, inside.project.id)),
        roles=view.roles(inside.role),
        invites=not inside.person.is_admin,
        problem=problem,
    )
