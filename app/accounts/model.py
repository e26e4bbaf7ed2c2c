"""What this room hands upward: frozen values, no table objects, no hashes."""

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
    """An admin of the installation: reaches every project as an owner does."""
    has_password: bool
    created_at: datetime
    disabled_at: datetime | None


@dataclass(frozen=True, slots=True)
class SignIn:
    """A logged-in state on one device; `handle` names it without being able to use it."""

    handle: str
    created_at: datetime
    last_seen_at: datetime
    user_agent: str
