"""Addresses of shares, which open without an account."""

from typing import Final

from app.web.urls.replay_address import ReplayAddress

SHARES: Final = "/s/"
"""All addresses that strangers open begin like this."""


def share(token: str) -> str:
    """Return the address of a shared replay; index, stream and panels lie below it."""
    return f"{SHARES}{token}"


def address_of(token: str) -> ReplayAddress:
    """Return the addresses below a shared replay."""
    return ReplayAddress(share(token), is_shared=True)


def message_picture(token: str) -> str:
    """Return the address of a picture that a message shows."""
    return f"{share(token)}/picture.jpg"
