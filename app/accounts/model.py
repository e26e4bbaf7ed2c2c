"""The frozen values that this package hands upward; none holds a password hash or a token."""

from dataclasses import dataclass
from datetime import datetime

from app.core.ids import PersonId


@dataclass(frozen=True, slots=True)
class Person:
    """Someone with an account."""

    id: PersonId
    email: str
    name: str
    is_admin: bool
    """Whether they are an admin of the server, who has the rights of an owner in every project."""
    has_password: bool
    created_at: datetime
    disabled_at: datetime | None


@dataclass(frozen=True, slots=True)
class SignIn:
    """The signed-in state of a person on one device; its `handle` names it and cannot be used."""

    handle: str
    created_at: datetime
    last_seen_at: datetime
    user_agent: str
