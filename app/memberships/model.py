"""The frozen values that this package hands upward."""

from dataclasses import dataclass
from enum import StrEnum

from app.accounts.model import Person
from app.core.errors import PermissionDenied
from app.core.ids import ProjectId
from app.projects.model import Project


class Role(StrEnum):
    """A person's rights in a project; each role includes the rights of those below it."""

    OWNER = "owner"
    ADMIN = "admin"
    MEMBER = "member"
    VIEWER = "viewer"

    def includes(self, needed: "Role") -> bool:
        """Tell whether this role has the rights of `needed`."""
        return self in needed.and_above()

    def and_above(self) -> "tuple[Role, ...]":
        """Return this role and every stronger one, the strongest first."""
        order = tuple(Role)
        return order[: order.index(self) + 1]


@dataclass(frozen=True, slots=True)
class ProjectAccess:
    """A person, a project that they may see, and their role in it."""

    person: Person
    project: Project
    role: Role

    def require_role(self, role: Role) -> None:
        """Make sure that the person has the rights of `role`.

        Raises:
            PermissionDenied: They see the project, but may not do this in it.
        """
        if not self.role.includes(role):
            raise PermissionDenied(
                f"this needs the role {role}; yours in this project is {self.role}"
            )


@dataclass(frozen=True, slots=True)
class Member:
    """A person in a project."""

    person: Person
    project_id: ProjectId
    role: Role


@dataclass(frozen=True, slots=True)
class Membership:
    """A project that a person is a member of, and their role in it."""

    project_id: ProjectId
    project_name: str
    role: Role


@dataclass(frozen=True, slots=True)
class ProjectInvitation:
    """A role in a project that waits for the person with an address."""

    project_id: ProjectId
    project_name: str
    email: str
    role: Role
