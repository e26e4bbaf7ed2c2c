"""The cookie that holds a sign-in link that was used just now.

With it, a person need not know the password that they have forgotten. It is sent to the form for a
new password alone.
"""

from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from app.accounts import links
from app.web.frame.services import PageServices, services_of
from app.web.urls import account_urls

_FRESH_S: Final = int(links.FRESH.total_seconds())


def read_link_cookie(request: Request) -> str:
    """Return the token of the link that was used just now; empty if there is none."""
    return request.cookies.get(_cookie_name(services_of(request)), "")


def set_link_cookie(response: Response, services: PageServices, token: str) -> None:
    """Let the form for a new password show that its sender came by a link."""
    response.set_cookie(
        _cookie_name(services),
        token,
        max_age=_FRESH_S,
        path=account_urls.SET_PASSWORD,
        secure=services.is_https,
        httponly=True,
        samesite="strict",
    )


def delete_link_cookie(response: Response, services: PageServices) -> None:
    """Delete the cookie: a link stands in for a password once."""
    response.delete_cookie(
        _cookie_name(services),
        path=account_urls.SET_PASSWORD,
        secure=services.is_https,
        httponly=True,
    )


def _cookie_name(services: PageServices) -> str:
    """Return the name of the cookie; `__Secure-` binds it to https.

    `__Host-` would send it along with every request, for it needs the path `/`.
    """
    return "__Secure-playhead-link" if services.is_https else "playhead-link"
