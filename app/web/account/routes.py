"""A person's own account: name, password, sign-ins, theme."""

from typing import Final

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from app.accounts import passwords
from app.administration.people import change_password, own_account
from app.core.errors import ActionRefused, InvalidInput
from app.web.account.build import build_account_page
from app.web.account.cookies import delete_link_cookie, read_link_cookie
from app.web.account.page import SetPasswordPage
from app.web.frame import access, answer, forms
from app.web.frame.access import Visitor
from app.web.frame.rendering.chrome import read_theme
from app.web.frame.services import services_of
from app.web.urls import account_urls, list_urls
from app.web.urls.routing import route_to
from app.web.words import phrases

router = APIRouter()

_YEAR_S: Final = 365 * 24 * 60 * 60


@router.get(account_urls.ACCOUNT)
async def show_account(request: Request, visitor: access.CurrentVisitor) -> Response:
    """Show a person their account, and where they are signed in."""
    return await _show_account(request, visitor)


@router.get(account_urls.SET_PASSWORD)
async def ask_for_password(request: Request, visitor: access.CurrentVisitor) -> Response:
    """Show the form for a password, after a link or when there is none yet."""
    if await _needs_current_password(request, visitor):
        return answer.redirect(account_urls.ACCOUNT)
    return await _show_password_form(request, visitor)


@router.post(account_urls.SET_PASSWORD)
async def set_password(request: Request, visitor: access.CurrentVisitor) -> Response:
    """Set a person's password; every other sign-in of theirs ends."""
    services = services_of(request)
    fields = await forms.read_form(request)
    try:
        token = await change_password.change_password(
            services.db,
            visitor.person,
            current=fields.get("current", ""),
            new=_read_new_password(fields),
            address=access.client_address(request),
            user_agent=access.read_user_agent(request),
            link_token=read_link_cookie(request),
            provider=services.sign_in_provider,
        )
    except ActionRefused as error:
        return answer.add_retry_after(await _ask_again(request, visitor, error), error)
    response = answer.redirect(list_urls.REPLAYS, done="password-saved")
    access.set_cookie(response, services, token)
    delete_link_cookie(response, services)
    return response


@router.post(account_urls.CHANGE_NAME)
async def change_name(request: Request, visitor: access.CurrentVisitor) -> Response:
    """Change what others see of a person."""
    name = (await forms.read_form(request)).get("name", "")
    try:
        await own_account.rename_person(services_of(request).db, visitor.person, name)
    except InvalidInput as error:
        return await _ask_again(request, visitor, error)
    return answer.redirect(account_urls.ACCOUNT, done="name-saved")


@router.post(account_urls.END_OTHERS)
async def end_other_sign_ins(request: Request, visitor: access.CurrentVisitor) -> Response:
    """End every sign-in of a person but this one."""
    await own_account.end_other_sign_ins(services_of(request).db, visitor.person, visitor.token)
    return answer.redirect(account_urls.ACCOUNT, done="other-sign-ins-ended")


@router.post(route_to(account_urls.end_sign_in))
async def end_sign_in(request: Request, visitor: access.CurrentVisitor, handle: str) -> Response:
    """End one of a person's sign-ins; to end this one is to sign out."""
    services = services_of(request)
    await own_account.end_sign_in(services.db, visitor.person, handle)
    if handle != visitor.sign_in.handle:
        return answer.redirect(account_urls.ACCOUNT, done="sign-in-ended")
    response = answer.redirect(account_urls.SIGN_IN)
    access.delete_cookie(response, services)
    return response


@router.post(account_urls.THEME)
async def set_theme(request: Request) -> Response:
    """Remember a theme in a cookie that the page's script may write too."""
    fields = await forms.read_form(request)
    response = answer.redirect(forms.read_own_path(fields.get("back")))
    response.set_cookie(
        "theme", read_theme(fields.get("theme")), max_age=_YEAR_S, path="/", samesite="lax"
    )
    return response


def _read_new_password(fields: dict[str, str]) -> str:
    """Return the new password of a form.

    Raises:
        InvalidInput: It was not repeated as it is.
    """
    password = fields.get("password", "")
    if password != fields.get("again", ""):
        raise InvalidInput("the two passwords are not the same")
    return password


async def _needs_current_password(request: Request, visitor: Visitor) -> bool:
    return await change_password.needs_current_password(
        services_of(request).db, visitor.person, read_link_cookie(request)
    )


async def _ask_again(request: Request, visitor: Visitor, refusal: ActionRefused) -> Response:
    if await _needs_current_password(request, visitor):
        return await _show_account(request, visitor, refusal)
    return await _show_password_form(request, visitor, refusal)


async def _show_account(
    request: Request, visitor: Visitor, refusal: ActionRefused | None = None
) -> Response:
    sign_ins = await own_account.list_sign_ins(services_of(request).db, visitor.person)
    page = build_account_page(
        visitor,
        sign_ins,
        problem=_describe(refusal),
        provider=services_of(request).sign_in_provider,
    )
    status = refusal.status if refusal else 200
    return await answer.render_page(request, "account/page.html", page, status=status)


async def _show_password_form(
    request: Request, visitor: Visitor, refusal: ActionRefused | None = None
) -> Response:
    page = SetPasswordPage(visitor.person.email, passwords.SHORTEST_CHARS, _describe(refusal))
    status = refusal.status if refusal else 200
    return await answer.render_page(request, "account/set_password.html", page, status=status)


def _describe(refusal: ActionRefused | None) -> str | None:
    return phrases.sentence(str(refusal)) if refusal else None
