"""Describes sign-ins: the browser, from where, and since when."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

from app.accounts.model import SignIn
from app.web.words.people.browsers import name_browser


@dataclass(frozen=True, slots=True)
class SignInRow:
    """A sign-in of a person; POST to `end_href` ends it."""

    started_at: datetime
    seen_at: datetime
    browser: str
    address: str
    """Where the person signed in from; empty if that is not known."""
    is_this: bool
    """True if it is the sign-in of the browser that asks."""
    end_href: str


def sign_in_rows(
    sign_ins: Iterable[SignIn], *, this_handle: str, end_href: Callable[[str], str]
) -> tuple[SignInRow, ...]:
    """Describe the sign-ins of a person.

    Args:
        sign_ins: The sign-ins.
        this_handle: The handle of the sign-in of the browser that asks.
        end_href: Returns the address that ends the sign-in with a handle.
    """
    return tuple(
        SignInRow(
            started_at=sign_in.created_at,
            seen_at=sign_in.last_seen_at,
            browser=name_browser(sign_in.user_agent),
            address=sign_in.address,
            is_this=sign_in.handle == this_handle,
            end_href=end_href(sign_in.handle),
        )
        for sign_in in sign_ins
    )
