"""Shows the sign-in form, with the button of the sign-in provider if there is one."""

from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from app.administration.people.provider_check import SignInEnding
from app.web.account.page import ProviderButton, SignInPage
from app.web.frame import answer
from app.web.frame.services import services_of
from app.web.urls import account_urls

EMAIL_CHARS: Final = 300
BACK_CHARS: Final = 2_000
_ENDED: Final = {
    SignInEnding.TOKEN_REFUSED: "The sign-in provider has ended your sign-in. Sign in again.",
    SignInEnding.NOT_IN_GROUP: "You have been signed out: you are no longer in a group that may "
    "use this server.",
    SignInEnding.NO_PROVIDER: "This server no longer uses the provider that you signed in with.",
}


async def show_sign_in_page(
    request: Request,
    *,
    email: str = "",
    back: str = "",
    problem: str | None = None,
    status: int = 200,
) -> Response:
    """Show the form; `problem` says what went wrong before."""
    provider = services_of(request).sign_in_provider
    button = None
    if provider is not None:
        href = account_urls.provider_sign_in(back=back[:BACK_CHARS])
        button = ProviderButton(provider.label, href, provider.allows_passwords)
    has_mail = services_of(request).alerts.has_mail
    page = SignInPage(email[:EMAIL_CHARS], problem, back[:BACK_CHARS], button, has_mail)
    return await answer.render_page(request, "account/sign_in.html", page, status=status)


def describe_ending(ended: str) -> str | None:
    """Return why a sign-in has ended, by the code in the address; None for any other text."""
    return _ENDED[SignInEnding(ended)] if ended in set(SignInEnding) else None
