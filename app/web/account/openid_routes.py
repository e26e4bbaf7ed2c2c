"""The way to the sign-in provider and back.

    GET /sign-in/openid ─► cookie with state, nonce and verifier ─► the provider
    GET /sign-in/openid/callback ◄─ code and state ─┘  ─► a new sign-in ─► the page asked for

The way begins with a link, not with a form: the content security policy lets forms lead to this
server only, wherever they are redirected.
"""

from typing import Final
from urllib.parse import urlencode, urlsplit

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from app.administration.people.provider_sign_in import sign_in_with_provider
from app.administration.people.sign_in_provider import SignInProvider
from app.core import log
from app.core.errors import ActionRefused, NotFound, ProviderUnavailable, SignInFailed
from app.web.account.pending_cookies import (
    PendingVisit,
    delete_pending_cookie,
    read_pending_cookie,
    set_pending_cookie,
)
from app.web.account.sign_in_page import show_sign_in_page
from app.web.frame import access, answer, forms
from app.web.frame.services import services_of
from app.web.urls import account_urls
from app.web.words import phrases

router = APIRouter()

_logger: Final = log.get_logger("web.openid")
_LONGEST_CHARS: Final = 8_000
_NO_SUCH_VISIT: Final = (
    "this sign-in was not begun in this browser, was finished before, or took longer than 10 "
    "minutes. Sign in again"
)
_REFUSALS: Final = {
    "access_denied": "{label} did not let you in, or you went back; sign in again if you want to",
    "invalid_scope": "{label} does not know one of the scopes in PLAYHEAD_OIDC_SCOPES",
    "unauthorized_client": "{label} does not let this server sign people in: look at how it is "
    "registered there",
    "temporarily_unavailable": "{label} cannot sign anybody in right now; try again in a minute",
    "login_required": "{label} wants you to sign in again",
}


@router.get(account_urls.PROVIDER_SIGN_IN)
async def begin_sign_in(request: Request, back: str = "", moved: str = "") -> Response:
    """Send the browser to the provider."""
    provider = _require_provider(request)
    services = services_of(request)
    back = forms.read_own_path(back)
    home = urlsplit(services.settings.base_url)
    if request.headers.get("host") != home.netloc and not moved:
        # The provider sends people back to the public address, so the cookie must be set there.
        query = urlencode({"back": back, "moved": "1"})
        return RedirectResponse(
            f"{services.settings.base_url}{account_urls.PROVIDER_SIGN_IN}?{query}", 303
        )
    try:
        address, pending = await provider.openid.begin_sign_in()
    except ProviderUnavailable as error:
        return await _show_problem(request, error, back=back)
    response = RedirectResponse(address, 303)
    set_pending_cookie(response, services, PendingVisit(pending, back))
    return response


@router.get(account_urls.PROVIDER_CALLBACK)
async def finish_sign_in(
    request: Request,
    state: str = "",
    code: str = "",
    error: str = "",
    iss: str = "",
) -> Response:
    """Take somebody back from the provider, and sign them in."""
    provider = _require_provider(request)
    services = services_of(request)
    visit = read_pending_cookie(request, state)
    if visit is None:
        return await _show_problem(request, SignInFailed(_NO_SUCH_VISIT))
    back = forms.read_own_path(visit.back)
    try:
        _require_code(provider, code=code, error=error, issuer=iss)
        token = await sign_in_with_provider(
            services.db,
            provider,
            visit.sign_in,
            code,
            address=access.client_address(request),
            user_agent=access.read_user_agent(request),
            replaced_token=access.read_sign_in_token(request),
        )
    except (ActionRefused, ProviderUnavailable) as refusal:
        response = await _show_problem(request, refusal, back=back)
        delete_pending_cookie(response, services, state)
        return response
    response = answer.redirect(back)
    access.set_cookie(response, services, token)
    delete_pending_cookie(response, services, state)
    return response


def _require_provider(request: Request) -> SignInProvider:
    provider = services_of(request).sign_in_provider
    if provider is None:
        raise NotFound("no sign-in provider is set up")
    return provider


def _require_code(provider: SignInProvider, *, code: str, error: str, issuer: str) -> None:
    """Make sure that the provider, and no other one, has sent a code.

    Raises:
        SignInFailed: It has not; the message says why.

    Source: RFC 6749, section 4.1.2.1; RFC 9207 (`iss` against mixed-up providers).
    """
    if issuer and issuer != provider.openid.configuration.issuer:
        raise SignInFailed(f"the answer comes from {log.shown(issuer)}, another provider")
    if error:
        template = _REFUSALS.get(error)
        if template is None:
            _logger.warning("provider_refused", error=log.shown(error))
            raise SignInFailed(f"{provider.label} refused the sign-in: {log.shown(error)}")
        raise SignInFailed(template.format(label=provider.label))
    if not 0 < len(code) <= _LONGEST_CHARS:
        raise SignInFailed(f"{provider.label} sent no code; sign in again")


async def _show_problem(
    request: Request, refusal: ActionRefused | ProviderUnavailable, *, back: str = ""
) -> Response:
    """Show the sign-in form with what went wrong; local admins can still use their password."""
    status = refusal.status if isinstance(refusal, ActionRefused) else 503
    if status != SignInFailed.status:
        _logger.warning("provider_unavailable", reason=str(refusal))
    return await show_sign_in_page(
        request, back=back, problem=f"{phrases.sentence(str(refusal))}", status=status
    )
