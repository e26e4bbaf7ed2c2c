"""The ways in and out: password, sign-in link, sign-out."""

from typing import Final
from urllib.parse import quote

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from app.administration.people import sign_in
from app.core.errors import ActionRefused, SignInFailed
from app.web.account.cookies import set_link_cookie
from app.web.account.page import LinkPage, SignInPage
from app.web.frame import access, answer, forms
from app.web.frame.rendering.state_pages import ErrorPage
from app.web.frame.services import services_of
from app.web.urls import account_urls
from app.web.urls.routing import route_to
from app.web.words import phrases

router = APIRouter()

_EMAIL_CHARS_SHOWN: Final = 300
_BACK_CHARS: Final = 2_000


@router.get(account_urls.SIGN_IN)
async def ask_to_sign_in(
    request: Request, visitor: access.OptionalVisitor, back: str = ""
) -> Response:
    """Show the form, unless somebody is signed in."""
    if visitor is not None:
        return answer.redirect(forms.read_own_path(back))
    page = SignInPage(back=back[:_BACK_CHARS])
    return await answer.render_page(request, "account/sign_in.html", page)


@router.post(account_urls.SIGN_IN)
async def sign_in_with_password(request: Request) -> Response:
    """Sign a person in by address and password."""
    services = services_of(request)
    fields = await forms.read_form(request)
    email, back = fields.get("email", ""), fields.get("back", "")
    try:
        token = await sign_in.sign_in_with_password(
            services.db,
            email,
            fields.get("password", ""),
            replaced_token=access.read_sign_in_token(request),
            **_sender(request),
        )
    except ActionRefused as error:
        problem = phrases.sentence(str(error))
        page = SignInPage(email[:_EMAIL_CHARS_SHOWN], problem, back[:_BACK_CHARS])
        form = await answer.render_page(request, "account/sign_in.html", page, status=error.status)
        return answer.add_retry_after(form, error)
    response = answer.redirect(forms.read_own_path(back))
    access.set_cookie(response, services, token)
    return response


@router.get(route_to(account_urls.sign_in_link))
async def show_link(request: Request, token: str) -> Response:
    """Show whom a link signs in, without using it up: mail programs open links to check them."""
    link = await sign_in.find_sign_in_link(services_of(request).db, token)
    if link is None:
        return await _refuse_link(request)
    href = account_urls.sign_in_link(quote(token, safe=""))
    page = LinkPage(href, link.email, link.expires_at)
    return await answer.render_page(request, "account/link.html", page)


@router.post(route_to(account_urls.sign_in_link))
async def use_link(request: Request, token: str) -> Response:
    """Use a link up: sign in, and go on to choose a password."""
    services = services_of(request)
    try:
        sign_in_token = await sign_in.sign_in_with_link(
            services.db,
            token,
            replaced_token=access.read_sign_in_token(request),
            **_sender(request),
        )
    except SignInFailed:
        return await _refuse_link(request)
    response = answer.redirect(account_urls.SET_PASSWORD)
    access.set_cookie(response, services, sign_in_token)
    set_link_cookie(response, services, token)
    return response


@router.post(account_urls.SIGN_OUT)
async def sign_out(request: Request, visitor: access.OptionalVisitor) -> Response:
    """Sign out here, and let the browser forget what it has seen."""
    services = services_of(request)
    if visitor is not None:
        await sign_in.sign_out(services.db, visitor.person, visitor.token)
    response = answer.redirect(account_urls.SIGN_IN)
    access.delete_cookie(response, services)
    response.headers["Clear-Site-Data"] = '"cache", "storage"'
    return response


async def _refuse_link(request: Request) -> Response:
    page = ErrorPage(
        410,
        "This link no longer works",
        "A sign-in link works once, within a day. Ask whoever runs this server for a new "
        "one: playhead user link YOUR-ADDRESS",
        back_href=account_urls.SIGN_IN,
    )
    return await answer.render_page(request, "state/error.html", page, status=page.status)


def _sender(request: Request) -> dict[str, str]:
    """Return who sends a request, for the limit on guessing and the list of sign-ins."""
    return {
        "address": access.client_address(request),
        "user_agent": access.read_user_agent(request),
    }
