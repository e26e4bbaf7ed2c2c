"""The ways in and out: password, sign-in link, sign-out."""

from urllib.parse import quote

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from app.administration.people import mail_links, sign_in
from app.administration.people.sign_in_provider import ProviderSignInNeeded
from app.administration.people.sign_out import sign_person_out
from app.core.errors import ActionRefused, SignInFailed, TooManyAttempts
from app.web.account.cookies import set_link_cookie
from app.web.account.page import ForgottenPage, LinkPage, SignedOutPage
from app.web.account.sign_in_page import EMAIL_CHARS, describe_ending, show_sign_in_page
from app.web.frame import access, answer, forms
from app.web.frame.rendering.state_pages import ErrorPage
from app.web.frame.services import services_of
from app.web.urls import account_urls
from app.web.urls.routing import route_to
from app.web.words import phrases

router = APIRouter()


@router.get(account_urls.SIGN_IN)
async def ask_to_sign_in(
    request: Request, visitor: access.OptionalVisitor, back: str = "", ended: str = ""
) -> Response:
    """Show the form, unless somebody is signed in."""
    if visitor is not None:
        return answer.redirect(forms.read_own_path(back))
    return await show_sign_in_page(request, back=back, problem=describe_ending(ended))


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
            provider=services.sign_in_provider,
            **_sender(request),
        )
    except ActionRefused as error:
        form = await show_sign_in_page(
            request,
            email=email,
            back=back,
            problem=phrases.sentence(str(error)),
            status=error.status,
        )
        return answer.add_retry_after(form, error)
    response = answer.redirect(forms.read_own_path(back))
    access.set_cookie(response, services, token)
    return response


@router.get(account_urls.FORGOTTEN)
async def ask_for_address(request: Request) -> Response:
    """Show the form that has a link for a new password mailed."""
    page = ForgottenPage(services_of(request).alerts.has_mail)
    return await answer.render_page(request, "account/forgotten.html", page)


@router.post(account_urls.FORGOTTEN)
async def mail_new_password(request: Request) -> Response:
    """Mail a link for a new password, and say the same whether anybody has the address."""
    services = services_of(request)
    email = (await forms.read_form(request)).get("email", "")[:EMAIL_CHARS]
    has_mail = services.alerts.has_mail
    if not has_mail or not email.strip():
        page = ForgottenPage(has_mail, email)
        return await answer.render_page(request, "account/forgotten.html", page)
    try:
        services.reset_limiter.count_request(access.client_address(request))
    except TooManyAttempts as error:
        problem = phrases.sentence(str(error))
        page = ForgottenPage(has_mail, email, problem=problem)
        refusal = await answer.render_page(
            request, "account/forgotten.html", page, status=error.status
        )
        return answer.add_retry_after(refusal, error)

    async def request_mail() -> None:
        await mail_links.request_new_password(services.db, email)
        services.alerts.hurry()

    # In the background, so that the time of the answer does not tell who has an account.
    services.begin(request_mail(), name="new password")
    page = ForgottenPage(has_mail, email, is_sent=True)
    return await answer.render_page(request, "account/forgotten.html", page)


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
            provider=services.sign_in_provider,
            **_sender(request),
        )
    except ProviderSignInNeeded as error:
        problem = phrases.sentence(str(error))
        return await show_sign_in_page(request, problem=problem, status=error.status)
    except SignInFailed:
        return await _refuse_link(request)
    response = answer.redirect(account_urls.SET_PASSWORD)
    access.set_cookie(response, services, sign_in_token)
    set_link_cookie(response, services, token)
    return response


@router.post(account_urls.SIGN_OUT)
async def sign_out(request: Request) -> Response:
    """Sign out here and at the sign-in provider, and let the browser forget what it has seen."""
    services = services_of(request)
    provider = services.sign_in_provider
    token = access.read_sign_in_token(request)
    address = await sign_person_out(services.db, provider, token)
    response: Response = answer.redirect(account_urls.SIGN_IN)
    if provider is not None and address is not None:
        page = SignedOutPage(provider.label, address)
        response = await answer.render_page(request, "account/signed_out.html", page)
    access.delete_cookie(response, services)
    response.headers["Clear-Site-Data"] = '"cache", "storage"'
    return response


async def _refuse_link(request: Request) -> Response:
    page = ErrorPage(
        410,
        "This link no longer works",
        "A sign-in link works once, and for some days. Ask an admin of this server for a new "
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
