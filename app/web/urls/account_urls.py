"""Addresses of signing in and of one's own account."""

from typing import Final

from app.web.urls.query import with_query

SIGN_IN: Final = "/sign-in"
PROVIDER_SIGN_IN: Final = "/sign-in/openid"
"""GET leads to the sign-in provider, and from there back to this server."""
PROVIDER_CALLBACK: Final = "/sign-in/openid/callback"
"""The address to which the provider sends people back."""
FORGOTTEN: Final = "/sign-in/forgotten"
"""GET shows the form, and POST `email` mails a link for a new password."""
SIGN_OUT: Final = "/sign-out"
"""POST ends this sign-in."""
ACCOUNT: Final = "/account"
CHANGE_NAME: Final = "/account/name"
"""POST `name` changes what others see of a person."""
SET_PASSWORD: Final = "/account/password"  # noqa: S105 - an address
"""GET shows the form after a sign-in link; POST sets a password, from there or from the account."""
THEME: Final = "/theme"
"""POST `theme` (auto, light, dark) and `back` (a path of ours): sets the cookie, 303 to `back`."""


def sign_in(*, back: str = "", ended: str = "") -> str:
    """Return the address of the sign-in form.

    Args:
        back: The path of this server to go to afterwards.
        ended: Why a sign-in has ended, for the sentence above the form.
    """
    return with_query(SIGN_IN, {"back": back, "ended": ended})


def provider_sign_in(*, back: str = "") -> str:
    """Return the address that leads to the sign-in provider, and then back to a path of ours."""
    return with_query(PROVIDER_SIGN_IN, {"back": back})


END_OTHERS: Final = "/account/sign-ins/end-others"
"""POST ends all sign-ins of a person but the one that asks."""


def sign_in_link(token: str) -> str:
    """Return the address of a sign-in link: GET asks, POST uses it up."""
    return f"{SIGN_IN}/{token}"


def end_sign_in(handle: str) -> str:
    """Return the address at which POST ends one of a person's sign-ins."""
    return f"{ACCOUNT}/sign-ins/{handle}/end"
