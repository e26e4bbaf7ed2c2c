"""What this room hands upward: frozen values, no table objects, no hashes."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from app.core.ids import PersonId, ProjectId


class Role(StrEnum):
    """What a person may do in a project; each may all that the next may."""

    OWNER = "owner"
    ADMIN = "admin"
    MEMBER = "member"
    VIEWER = "viewer"

    def includes(self, needed: "Role") -> bool:
        """Tell whether this role may do what `needed` may."""
        return self in needed.and_above()

    def and_above(self) -> "tuple[Role, ...]":
        """Return this role and every stronger one, the strongest first."""
        order = tuple(Role)
        return order[: order.index(self) + 1]


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
class Member:
    """A person in a project."""

    person: Person
    project_id: ProjectId
    role: Role


@dataclass(frozen=True, slots=True)
class SignIn:
    """A logged-in state on one device; `handle` names it without being able to use it."""

    handle: str
    created_at: datetime
    last_seen_at: datetime
    user_agent: str
