"""The frozen values that this package hands upward; none holds a password hash or a token."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from app.core.ids import PersonId


class PersonOrigin(StrEnum):
    """The origin of an account, which decides who manages its rights."""

    LOCAL = "local"
    """Added on this server, whose admins decide; the person signs in by password or link."""
    PROVIDER = "provider"
    """Added at the first sign-in through an sign-in provider, whose groups decide."""


@dataclass(frozen=True, slots=True)
class Person:
    """Someone with an account."""

    id: PersonId
    email: str
    name: str
    is_admin: bool
    """True if they are an admin of the server, who has the rights of an owner in every project."""
    has_password: bool
    created_at: datetime
    disabled_at: datetime | None
    origin: PersonOrigin = PersonOrigin.LOCAL
    last_sign_in_at: datetime | None = None
    """The time at which they signed in last; None if they never have."""


@dataclass(frozen=True, slots=True)
class SignIn:
    """The signed-in state of a person on one device; its `handle` names it and cannot be used."""

    handle: str
    created_at: datetime
    last_seen_at: datetime
    user_agent: str
    address: str = ""
    """The IP address from which the person signed in; empty for sign-ins of older releases."""
