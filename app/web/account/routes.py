"""One's own account: password, sign-ins, theme."""

from typing import Final

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from app.accounts import door, links, passwords, sign_ins, writes as accounts
from app.accounts.model import SignIn
from app.audit import writes as audit
from app.audit.model import Action
from app.core.errors import ActionRefused, NotFound
from app.web.account.browsers import browser_of
from app.web.account.page import AccountPage, SetPasswordPage, SignInRow
from app.web.account.sign_in import link_cookie
from app.web.frame import access, answer, forms
from app.web.frame.access import Visitor
from app.web.frame.rendering.chrome import read_theme
from app.web.frame.services import services_of
from app.web.urls import account_urls, list_urls
from app.web.urls.routing import route_to
from app.web.words import phrases

router = APIRouter()

_YEAR_S: Final = 365 * 24 * 60 * 60
_NOT_THE_SAME: Final = "The two passwords are not the same."


@router.get(account_urls.ACCOUNT)
async def show_account(request: Request, visitor: access.CurrentVisitor) -> Response:
    """Show a person where they are signed in."""
    page = await _page(request, visitor, problem=None)
    return await answer.render_page(request, "account/page.html", page)


@router.get(account_urls.SET_PASSWORD)
async def ask_for_password(request: Request, visitor: access.CurrentVisitor) -> Response:
    """Show the form for a password, after a link or when there is none yet."""
    if await _must_know_current(request, visitor):
        return answer.redirect(account_urls.ACCOUNT)
    page = SetPasswordPage(visitor.person.email, passwords.SHORTEST_CHARS)
    return await answer.render_page(request, "account/set_password.html", page)


@router.post(account_urls.SET_PASSWORD)
async def change_password(request: Request, visitor: access.CurrentVisitor) -> Response:
    """Set a person's password; every other sign-in of theirs ends."""
    fields = await forms.read_form(request)
    try:
        token = await _change(request, visitor, fields)
    except ActionRefused as error:
        page = await _ask_again(request, visitor, phrases.sentence(str(error)), error.status)
        return answer.add_retry_after(page, error)
    if token is None:
        return await _ask_again(request, visitor, _NOT_THE_SAME, 400)
    response = answer.redirect(list_urls.REPLAYS, done="password-saved")
    access.set_cookie(response, services_of(request), token)
    here = services_of(request)
    response.delete_cookie(
        link_cookie(here), path=account_urls.SET_PASSWORD, secure=here.is_https, httponly=True
    )
    return response


@router.post(account_urls.CHANGE_NAME)
async def change_name(request: Request, visitor: access.CurrentVisitor) -> Response:
    """Change what others see of a person."""
    name = (await forms.read_form(request)).get("name", "")
    try:
        async with services_of(request).db.transaction() as connection:
            await accounts.rename_person(connection, visitor.person.id, name)
            await audit.add_line(connection, Action.PERSON_CHANGED, person_id=visitor.person.id)
    except ActionRefused as error:
        return await _ask_again(request, visitor, phrases.sentence(str(error)), error.status)
    return answer.redirect(account_urls.ACCOUNT, done="name-saved")


@router.post(route_to(account_urls.end_sign_in))
async def end_sign_in(request: Request, visitor: access.CurrentVisitor, handle: str) -> Response:
    """End one of a person's sign-ins; to end this one is to sign out."""
    here = services_of(request)
    async with here.db.transaction() as connection:
        if not await sign_ins.end_one(connection, visitor.person.id, handle):
            raise NotFound("no such sign-in")
        await audit.add_line(connection, Action.SIGN_IN_ENDED, person_id=visitor.person.id)
    if handle != visitor.sign_in.handle:
        return answer.redirect(account_urls.ACCOUNT, done="sign-in-ended")
    response = answer.redirect(account_urls.SIGN_IN)
    access.delete_cookie(response, here)
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


async def _must_know_current(request: Request, visitor: Visitor) -> bool:
    """Tell whether a person has to know their password: not without one, nor fresh from a link."""
    if not visitor.person.has_password:
        return False
    async with services_of(request).db.reading() as connection:
        token = request.cookies.get(link_cookie(services_of(request)), "")
        return not await links.is_fresh(connection, token, visitor.person.id)


async def _change(request: Request, visitor: Visitor, fields: dict[str, str]) -> str | None:
    """Change the password; None when the two that were typed differ.

    Raises:
        ActionRefused: The new one is too short or easily guessed, the current one wrong, or too
            many were.
    """
    new = fields.get("password", "")
    if new != fields.get("again", ""):
        return None
    return await door.change_password(
        services_of(request).db,
        visitor.person,
        current=fields.get("current"),
        new=new,
        address=access.client_address(request),
        user_agent=access.read_user_agent(request),
        link_token=request.cookies.get(link_cookie(services_of(request))),
    )


async def _ask_again(request: Request, visitor: Visitor, problem: str, status: int) -> Response:
    if await _must_know_current(request, visitor):
        page = await _page(request, visitor, problem=problem)
        return await answer.render_page(request, "account/page.html", page, status=status)
    first = SetPasswordPage(visitor.person.email, passwords.SHORTEST_CHARS, problem)
    return await answer.render_page(request, "account/set_password.html", first, status=status)


async def _page(request: Request, visitor: Visitor, *, problem: str | None) -> AccountPage:
    person = visitor.person
    async with services_of(request).db.reading() as connection:
        found = await sign_ins.sign_ins_of(connection, person.id)
    return AccountPage(
        name=person.name,
        email=person.email,
        min_characters=passwords.SHORTEST_CHARS,
        has_password=person.has_password,
        name_href=account_urls.CHANGE_NAME,
        password_href=account_urls.SET_PASSWORD,
        sign_ins=tuple(_row(one, visitor) for one in found),
        problem=problem,
    )


def _row(one: SignIn, visitor: Visitor) -> SignInRow:
    return SignInRow(
        started_at=one.created_at,
        seen_at=one.last_seen_at,
        browser=browser_of(one.user_agent),
        is_this=one.handle == visitor.sign_in.handle,
        end_href=account_urls.end_sign_in(one.handle),
    )
