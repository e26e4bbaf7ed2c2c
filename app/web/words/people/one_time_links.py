"""Describes a sign-in link that was made just now, for the one page that shows it."""

from dataclasses import dataclass
from datetime import datetime

from app.administration.server.sign_in_links import OneTimeLink
from app.web.urls import account_urls


@dataclass(frozen=True, slots=True)
class OneTimeLinkCard:
    """A link that is on this page and nowhere else."""

    title: str
    name: str
    email: str
    url: str
    expires_at: datetime
    is_invitation: bool
    """True if it is for a first visit, and not for a forgotten password."""
    back_href: str
    back: str
    """The text of the link back."""


def describe_link(
    link: OneTimeLink, base_url: str, *, back_href: str, back: str
) -> OneTimeLinkCard:
    """Describe a link, the one time that it is shown.

    Args:
        link: The link.
        base_url: The address of the server as people reach it.
        back_href: Where to go afterwards.
        back: The text of that link.
    """
    is_invitation = link.person.last_sign_in_at is None
    return OneTimeLinkCard(
        title="Invitation link" if is_invitation else "Link for a new password",
        name=link.person.name,
        email=link.person.email,
        url=f"{base_url.rstrip('/')}{account_urls.sign_in_link(link.token)}",
        expires_at=link.expires_at,
        is_invitation=is_invitation,
        back_href=back_href,
        back=back,
    )
