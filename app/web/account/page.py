"""Signing in, passwords, and one's own sign-ins."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class SignInPage:
    """The password form; `problem` is the same for every wrong pair."""

    email: str = ""
    problem: str | None = None
    back: str = ""
    """Where to go afterwards: a path of ours."""


@dataclass(frozen=True, slots=True)
class LinkPage:
    """A one-time link was opened: one button uses it up (a GET never does)."""

    href: str
    email: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class SetPasswordPage:
    """First password after a one-time link."""

    email: str
    min_characters: int
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class SignInRow:
    """One of the person's sign-ins; `end_href` takes a POST."""

    started_at: datetime
    seen_at: datetime
    browser: str
    is_this: bool
    end_href: str


@dataclass(frozen=True, slots=True)
class AccountPage:
    """Own password and sign-ins."""

    name: str
    email: str
    min_characters: int
    has_password: bool
    name_href: str
    password_href: str
    sign_ins: tuple[SignInRow, ...]
    problem: str | None = None
