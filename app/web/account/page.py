"""Values that the templates for signing in and for the account read."""

from dataclasses import dataclass
from datetime import datetime

from app.web.words.people.sign_in_rows import SignInRow


@dataclass(frozen=True, slots=True)
class ProviderButton:
    """The link to the sign-in provider."""

    label: str
    href: str
    is_with_passwords: bool
    """True if passwords go on beside it; otherwise only local admins have one."""


@dataclass(frozen=True, slots=True)
class SignedOutPage:
    """Somebody is signed out here, and goes on to sign out of the provider."""

    label: str
    href: str
    """The address at the provider that signs them out."""


@dataclass(frozen=True, slots=True)
class SignInPage:
    """The form for address and password; `problem` is the same whichever is wrong."""

    email: str = ""
    problem: str | None = None
    back: str = ""
    """The path of this server to go to afterwards."""
    provider: ProviderButton | None = None
    has_mail: bool = False
    """True if this server mails links for new passwords."""


@dataclass(frozen=True, slots=True)
class ForgottenPage:
    """The form for a link to a new password."""

    has_mail: bool
    email: str = ""
    is_sent: bool = False
    """True if the form was sent; the page says the same whether anybody has the address."""
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class LinkPage:
    """A sign-in link was opened: a button uses it up, opening it does not."""

    href: str
    email: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class SetPasswordPage:
    """The form for a password after a sign-in link."""

    email: str
    min_characters: int
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class AccountPage:
    """A person's name, password and sign-ins."""

    name: str
    email: str
    min_characters: int
    has_password: bool
    name_href: str
    password_href: str
    sign_ins: tuple[SignInRow, ...]
    """The sign-ins that were used last, the newest first."""
    provider_label: str | None = None
    """The sign-in provider of a person who has no password here because of it."""
    is_list_full: bool = False
    """True if there may be older sign-ins that are not listed."""
    problem: str | None = None
