"""The people of the server: the list, an invitation, and what an admin does with one person."""

from dataclasses import replace
from typing import Annotated, Final

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from app.administration.people import mail_links
from app.administration.server import change_person, invite_person, person_page, sign_in_links
from app.administration.server.invite_person import NewPerson
from app.administration.server.people_list import list_projects_to_join, read_people_list
from app.administration.server.sign_in_links import INVITATION_DAYS, RESET_DAYS, OneTimeLink
from app.core.errors import ActionRefused, InvalidInput
from app.core.ids import PersonId, ProjectId
from app.web.frame import access, answer, forms
from app.web.frame.access import Visitor
from app.web.frame.services import PageServices, services_of
from app.web.people.build import (
    build_invite_page,
    build_people_page,
    build_person_page,
    read_days,
    read_filter,
)
from app.web.urls import server_urls
from app.web.urls.routing import route_to
from app.web.words import phrases
from app.web.words.people.one_time_links import describe_link

router = APIRouter()

_Search = Annotated[str, Query(max_length=1_000)]
_From = Annotated[int, Query(alias="from", ge=0, le=1_000_000)]
_ID_CHARS: Final = 18


@router.get(server_urls.SERVER)
async def lead_to_people(visitor: access.CurrentAdmin) -> Response:  # noqa: ARG001 - who may come
    """Lead on to the first page of the server's."""
    return answer.redirect(server_urls.PEOPLE)


@router.get(server_urls.PEOPLE)
async def show_people(
    request: Request,
    visitor: access.CurrentAdmin,
    search: _Search = "",
    show: _Search = "",
    first: _From = 0,
) -> Response:
    """List the people of the server, searched and filtered."""
    people_filter = read_filter(search, show)
    people = await read_people_list(
        services_of(request).db, visitor.person, people_filter, first=first
    )
    page = build_people_page(people, people_filter)
    return await answer.render_page(request, "people/list.html", page)


@router.get(server_urls.INVITE)
async def ask_for_person(request: Request, visitor: access.CurrentAdmin) -> Response:
    """Show the form that adds a person."""
    return await _show_invitation(request, visitor, {})


@router.post(server_urls.INVITE)
async def invite(request: Request, visitor: access.CurrentAdmin) -> Response:
    """Add a person, and show the link that lets them in."""
    services = services_of(request)
    fields = await forms.read_form(request)
    try:
        added = await invite_person.invite_person(
            services.db, visitor.person, _read_new_person(fields, services)
        )
    except InvalidInput as error:
        return await _show_invitation(request, visitor, fields, error)
    if added.is_mailed:
        services.alerts.hurry()
        return answer.redirect(server_urls.person(added.person.id), done="invitation-mailed")
    if added.link is None:
        return answer.redirect(server_urls.person(added.person.id), done="member-added")
    return await _show_link(request, added.link)


@router.get(route_to(server_urls.person))
async def show_person(
    request: Request, visitor: access.CurrentAdmin, person_id: access.RowId
) -> Response:
    """Show a person: their way in, rights, projects and sign-ins."""
    return await _show_person(request, visitor, PersonId(person_id))


@router.post(route_to(server_urls.make_link))
async def make_link(
    request: Request, visitor: access.CurrentAdmin, person_id: access.RowId
) -> Response:
    """Make a sign-in link, and show it the one time that it is shown."""
    services, chosen = services_of(request), PersonId(person_id)
    fields = await forms.read_form(request)
    days = read_days(fields.get("days", ""), RESET_DAYS)
    is_mailed = fields.get("mail") == "yes" and services.alerts.has_mail
    try:
        if is_mailed:
            await mail_links.mail_link(services.db, visitor.person, chosen, days=days)
            services.alerts.hurry()
            return answer.redirect(server_urls.person(chosen), done="link-mailed")
        link = await sign_in_links.make_link(services.db, visitor.person, chosen, days=days)
    except InvalidInput as error:
        return await _show_person(request, visitor, PersonId(person_id), error)
    return await _show_link(request, link)


@router.post(route_to(server_urls.withdraw_link))
async def withdraw_link(
    request: Request, visitor: access.CurrentAdmin, person_id: access.RowId
) -> Response:
    """Withdraw the link that a person has not used yet."""
    chosen = PersonId(person_id)
    await sign_in_links.withdraw_link(services_of(request).db, visitor.person, chosen)
    return answer.redirect(server_urls.person(chosen), done="link-withdrawn")


@router.post(route_to(server_urls.deactivate))
async def deactivate(
    request: Request, visitor: access.CurrentAdmin, person_id: access.RowId
) -> Response:
    """Lock a person out, and end their sign-ins at once."""
    chosen = PersonId(person_id)
    try:
        await change_person.deactivate_person(services_of(request).db, visitor.person, chosen)
    except ActionRefused as error:
        return await _show_person(request, visitor, chosen, error)
    return answer.redirect(server_urls.person(chosen), done="person-deactivated")


@router.post(route_to(server_urls.reactivate))
async def reactivate(
    request: Request, visitor: access.CurrentAdmin, person_id: access.RowId
) -> Response:
    """Let a deactivated person sign in again."""
    chosen = PersonId(person_id)
    await change_person.reactivate_person(services_of(request).db, visitor.person, chosen)
    return answer.redirect(server_urls.person(chosen), done="person-reactivated")


@router.post(route_to(server_urls.set_admin))
async def set_admin(
    request: Request, visitor: access.CurrentAdmin, person_id: access.RowId
) -> Response:
    """Make a person an admin of the server, or take that right away."""
    chosen = PersonId(person_id)
    is_admin = (await forms.read_form(request)).get("admin") == "yes"
    try:
        await change_person.set_server_admin(
            services_of(request).db,
            visitor.person,
            chosen,
            is_admin=is_admin,
            do_groups_decide=_do_groups_decide(request),
        )
    except ActionRefused as error:
        return await _show_person(request, visitor, chosen, error)
    done = "admin-made" if is_admin else "admin-unmade"
    return answer.redirect(server_urls.person(chosen), done=done)


@router.post(route_to(server_urls.set_role))
async def set_role(
    request: Request, visitor: access.CurrentAdmin, person_id: access.RowId
) -> Response:
    """Give a person a role in a project, or take them out of it."""
    chosen, services = PersonId(person_id), services_of(request)
    fields = await forms.read_form(request)
    project_id, role = fields.get("project", ""), fields.get("role", "")
    try:
        if role:
            await person_page.set_project_role(
                services.db, visitor.person, chosen, project_id, role
            )
        else:
            await person_page.leave_project(services.db, visitor.person, chosen, project_id)
    except InvalidInput as error:
        return await _show_person(request, visitor, chosen, error)
    done = "member-set" if role else "member-removed"
    return answer.redirect(server_urls.person(chosen), done=done)


@router.post(route_to(server_urls.end_sign_ins))
async def end_all_sign_ins(
    request: Request, visitor: access.CurrentAdmin, person_id: access.RowId
) -> Response:
    """End every sign-in of a person."""
    chosen = PersonId(person_id)
    await change_person.end_all_sign_ins(services_of(request).db, visitor.person, chosen)
    return answer.redirect(server_urls.person(chosen), done="sign-ins-ended")


@router.post(route_to(server_urls.end_sign_in))
async def end_sign_in(
    request: Request, visitor: access.CurrentAdmin, person_id: access.RowId, handle: str
) -> Response:
    """End one sign-in of a person."""
    chosen = PersonId(person_id)
    await change_person.end_sign_in(services_of(request).db, visitor.person, chosen, handle)
    return answer.redirect(server_urls.person(chosen), done="sign-in-ended")


def _do_groups_decide(request: Request) -> bool:
    """Tell whether groups of the sign-in provider say which of its people are admins."""
    provider = services_of(request).sign_in_provider
    return provider is not None and bool(provider.policy.admins)


def _read_new_person(fields: dict[str, str], services: PageServices) -> NewPerson:
    """Return the person that a form names; what cannot be read is refused later.

    Raises:
        InvalidInput: The project is not one of the list.
    """
    project = fields.get("project", "")
    is_number = project.isascii() and project.isdecimal() and len(project) <= _ID_CHARS
    if project and not is_number:
        raise InvalidInput("choose a project of the list, or none")
    return NewPerson(
        email=fields.get("email", ""),
        name=fields.get("name", ""),
        project_id=ProjectId(int(project)) if project else None,
        role_name=fields.get("role", ""),
        is_admin=fields.get("admin") == "yes",
        link_days=read_days(fields.get("days", ""), INVITATION_DAYS),
        is_mailed=fields.get("mail") == "yes" and services.alerts.has_mail,
    )


async def _show_invitation(
    request: Request,
    visitor: Visitor,
    fields: dict[str, str],
    refusal: InvalidInput | None = None,
) -> Response:
    projects = await list_projects_to_join(services_of(request).db, visitor.person)
    problem = phrases.sentence(str(refusal)) if refusal else None
    page = build_invite_page(projects, fields, problem=problem)
    page = replace(page, has_mail=services_of(request).alerts.has_mail)
    status = refusal.status if refusal else 200
    return await answer.render_page(request, "people/invite.html", page, status=status)


async def _show_link(request: Request, link: OneTimeLink) -> Response:
    page = describe_link(
        link,
        services_of(request).settings.base_url,
        back_href=server_urls.person(link.person.id),
        back=f"To the page of {link.person.name}",
    )
    return await answer.render_page(request, "people/link.html", page)


async def _show_person(
    request: Request,
    visitor: Visitor,
    person_id: PersonId,
    refusal: ActionRefused | None = None,
) -> Response:
    details = await person_page.read_person(services_of(request).db, visitor.person, person_id)
    problem = phrases.sentence(str(refusal)) if refusal else None
    page = build_person_page(
        details, visitor, do_groups_decide=_do_groups_decide(request), problem=problem
    )
    page = replace(page, has_mail=services_of(request).alerts.has_mail)
    status = refusal.status if refusal else 200
    return await answer.render_page(request, "people/person.html", page, status=status)
