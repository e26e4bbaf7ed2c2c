"""The settings of a project, its members and invitations."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from app.administration.projects import change_members
from app.administration.projects.answer_invitation import accept_invitation, decline_invitation
from app.administration.projects.change_members import MemberChange
from app.administration.projects.project_settings import read_project_settings
from app.administration.projects.rename_project import rename_project
from app.administration.projects.share_rights import set_allows_shares
from app.administration.projects.viewer_rights import set_viewers_see_bodies
from app.administration.server.sign_in_links import OneTimeLink
from app.core.errors import InvalidInput
from app.core.ids import PersonId, ProjectId
from app.memberships.model import ProjectAccess
from app.web.frame import access, answer, forms
from app.web.frame.services import services_of
from app.web.settings.build import build_settings_page
from app.web.settings.page import InvitedPage
from app.web.urls import project_urls
from app.web.urls.routing import route_to
from app.web.words import phrases
from app.web.words.people.one_time_links import describe_link

router = APIRouter()


@router.get(route_to(project_urls.settings))
async def show_settings(
    request: Request, project_access: access.CurrentProject, members: access.RowNumber = 0
) -> Response:
    """Show the name and the members of a project, to be changed."""
    return await _show(request, project_access, first_member=members)


@router.post(route_to(project_urls.rename_project))
async def change_name(request: Request, project_access: access.CurrentProject) -> Response:
    """Give a project another name."""
    name = (await forms.read_form(request)).get("name", "")
    try:
        await rename_project(services_of(request).db, project_access, name)
    except InvalidInput as error:
        return await _show(request, project_access, error)
    return answer.redirect(project_urls.settings(project_access.project.id), done="project-renamed")


@router.post(route_to(project_urls.show_bodies))
async def show_bodies(request: Request, project_access: access.CurrentProject) -> Response:
    """Show viewers the bodies of requests, or hide them."""
    is_allowed = (await forms.read_form(request)).get("bodies") == "yes"
    await set_viewers_see_bodies(services_of(request).db, project_access, is_allowed=is_allowed)
    return answer.redirect(project_urls.settings(project_access.project.id), done="bodies-saved")


@router.post(route_to(project_urls.allow_shares))
async def allow_shares(request: Request, project_access: access.CurrentProject) -> Response:
    """Switch the share links of a project on or off."""
    is_allowed = (await forms.read_form(request)).get("shares") == "yes"
    await set_allows_shares(services_of(request).db, project_access, is_allowed=is_allowed)
    done = "shares-on" if is_allowed else "shares-off"
    return answer.redirect(project_urls.settings(project_access.project.id), done=done)


@router.post(route_to(project_urls.members))
async def set_member(request: Request, project_access: access.CurrentProject) -> Response:
    """Give a member another role, or invite somebody."""
    services = services_of(request)
    fields = await forms.read_form(request)
    try:
        result = await change_members.set_member(
            services.db,
            project_access,
            fields.get("email", ""),
            fields.get("role", ""),
            has_mail=services.alerts.has_mail,
        )
    except InvalidInput as error:
        return await _show(request, project_access, error)
    if result.link is not None:
        return await _show_link(request, project_access, result.link)
    done = "invited" if result.change is MemberChange.INVITED else "member-set"
    if result.is_mailed:
        services.alerts.hurry()
        done = "invitation-mailed"
    return answer.redirect(project_urls.settings(project_access.project.id), done=done)


@router.post(route_to(project_urls.remove_member))
async def remove_member(
    request: Request, project_access: access.CurrentProject, person_id: access.RowId
) -> Response:
    """Take somebody out of the project."""
    try:
        await change_members.remove_member(
            services_of(request).db, project_access, PersonId(person_id)
        )
    except InvalidInput as error:
        return await _show(request, project_access, error)
    return answer.redirect(project_urls.settings(project_access.project.id), done="member-removed")


@router.post(route_to(project_urls.withdraw_invitation))
async def withdraw_invitation(request: Request, project_access: access.CurrentProject) -> Response:
    """Withdraw an invitation."""
    email = (await forms.read_form(request)).get("email", "")
    await change_members.withdraw_invitation(services_of(request).db, project_access, email)
    return answer.redirect(
        project_urls.settings(project_access.project.id), done="invitation-withdrawn"
    )


@router.post(route_to(project_urls.invitation))
async def answer_invitation(
    request: Request, visitor: access.CurrentVisitor, project_id: access.RowId
) -> Response:
    """Accept or decline an invitation to a project that the visitor is not in yet."""
    database, invited_to = services_of(request).db, ProjectId(project_id)
    if (await forms.read_form(request)).get("answer") == "accept":
        await accept_invitation(database, visitor.person, invited_to)
        return answer.redirect(project_urls.project(invited_to), done="invitation-accepted")
    await decline_invitation(database, visitor.person, invited_to)
    return answer.redirect(project_urls.PROJECTS, done="invitation-declined")


async def _show_link(
    request: Request, project_access: ProjectAccess, link: OneTimeLink
) -> Response:
    project = project_access.project
    card = describe_link(
        link,
        services_of(request).settings.base_url,
        back_href=project_urls.settings(project.id),
        back=f"Back to {project.name}",
    )
    page = InvitedPage(project.id, project.name, card)
    return await answer.render_page(request, "settings/invited.html", page)


async def _show(
    request: Request,
    project_access: ProjectAccess,
    refusal: InvalidInput | None = None,
    *,
    first_member: int = 0,
) -> Response:
    settings = await read_project_settings(
        services_of(request).db, project_access, first_member=first_member
    )
    problem = phrases.sentence(str(refusal)) if refusal else None
    page = build_settings_page(project_access, settings, first_member=first_member, problem=problem)
    status = refusal.status if refusal else 200
    return await answer.render_page(request, "settings/page.html", page, status=status)
