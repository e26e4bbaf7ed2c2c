"""The ways in and out: password, one-time link, sign-out."""

from typing import Final
from urllib.parse import quote

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from app.accounts import door, links
from app.core.errors import ActionRefused, SignInFailed
from app.web.account.page import LinkPage, SignInPage
from app.web.frame import access, answer, forms
from app.web.frame.rendering.state_pages import ErrorPage
from app.web.frame.services import PageServices, services_of
from app.web.urls import account_urls
from app.web.urls.routing import route_to
from app.web.words import phrases

router = APIRouter()

_FRESH_S: Final = int(links.FRESH.total_seconds())


@router.get(account_urls.SIGN_IN)
async def ask_to_sign_in(
    request: Request, visitor: access.OptionalVisitor, back: str = ""
) -> Response:
    """Show the form, unless somebody is signed in."""
    if visitor is not None:
        return answer.redirect(forms.read_own_path(back))
    return await answer.render_page(request, "account/sign_in.html", SignInPage(back=back[:2000]))


@router.post(account_urls.SIGN_IN)
async def sign_in(request: Request) -> Response:
    """Let a person in by password."""
    here = services_of(request)
    fields = await forms.read_form(request)
    email, password = fields.get("email", ""), fields.get("password", "")
    back = fields.get("back", "")
    try:
        token = await door.enter_with_password(
            here.db,
            email,
            password,
            replaced=access.read_sign_in_token(request),
            **_caller(request),
        )
    except ActionRefused as error:
        page = SignInPage(email[:300], phrases.sentence(str(error)), back[:2000])
        shown = await answer.render_page(request, "account/sign_in.html", page, status=error.status)
        return answer.add_retry_after(shown, error)
    response = answer.redirect(forms.read_own_path(back))
    access.set_cookie(response, here, token)
    return response


@router.get(route_to(account_urls.sign_in_link))
async def show_link(request: Request, token: str) -> Response:
    """Show whose link it is; a program that opens addresses in mails does not use it up."""
    async with services_of(request).db.reading() as connection:
        found = await links.whose(connection, token)
    if found is None:
        return await _used_up(request)
    page = LinkPage(account_urls.sign_in_link(quote(token, safe="")), found.email, found.expires_at)
    return await answer.render_page(request, "account/link.html", page)


@router.post(route_to(account_urls.sign_in_link))
async def use_link(request: Request, token: str) -> Response:
    """Use a link up: sign in, and go on to choose a password."""
    here = services_of(request)
    try:
        entered = await door.enter_with_link(
            here.db, token, replaced=access.read_sign_in_token(request), **_caller(request)
        )
    except SignInFailed:
        return await _used_up(request)
    response = answer.redirect(account_urls.SET_PASSWORD)
    access.set_cookie(response, here, entered)
    _remember_link(response, here, token)
    return response


@router.post(account_urls.SIGN_OUT)
async def sign_out(request: Request, visitor: access.OptionalVisitor) -> Response:
    """Sign out here, and let the browser forget what it has seen."""
    here = services_of(request)
    if visitor is not None:
        await door.leave(here.db, visitor.person, visitor.token)
    response = answer.redirect(account_urls.SIGN_IN)
    access.delete_cookie(response, here)
    response.headers["Clear-Site-Data"] = '"cache", "storage"'
    return response


def link_cookie(here: PageServices) -> str:
    """Return the name of the cookie that holds a link that was used just now.

    With it a forgotten password need not be known. `__Secure-` binds it to https; `__Host-` would
    send it along with every request, for it needs the path `/`.
    """
    return "__Secure-playhead-link" if here.is_https else "playhead-link"


def _remember_link(response: Response, here: PageServices, token: str) -> None:
    """Let the next form show that its sender came by a link just now."""
    response.set_cookie(
        link_cookie(here),
        token,
        max_age=_FRESH_S,
        path=account_urls.SET_PASSWORD,
        secure=here.is_https,
        httponly=True,
        samesite="strict",
    )


async def _used_up(request: Request) -> Response:
    page = ErrorPage(
        410,
        "This link no longer works",
        "A sign-in link is good for one use within a day. Ask whoever runs this server for a new "
        "one: playhead user link YOUR-ADDRESS",
        back_href=account_urls.SIGN_IN,
    )
    return await answer.render_page(request, "state/error.html", page, status=page.status)


def _caller(request: Request) -> dict[str, str]:
    """Return who calls, for the limit on guessing and the list of sign-ins."""
    return {
        "address": access.client_address(request),
        "user_agent": access.read_user_agent(request),
    }
