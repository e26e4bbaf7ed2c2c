"""Defines the scope of alerts that a person changes: a project, or the server."""

from dataclasses import dataclass
from typing import Self

from sqlalchemy.ext.asyncio import AsyncConnection

from app.accounts.model import Person
from app.alerts.composing.compose import SERVER_NAME
from app.alerts.model import PROJECT_KINDS, SERVER_KINDS, RuleKind
from app.audit import writes as audit
from app.audit.model import Action, ActionDetail
from app.core.errors import PermissionDenied
from app.core.ids import ProjectId
from app.memberships.model import ProjectAccess, Role


@dataclass(frozen=True, slots=True)
class AlertScope:
    """A project or the server, and an admin of it."""

    person: Person
    project_id: ProjectId | None
    name: str

    @classmethod
    def of_project(cls, access: ProjectAccess) -> Self:
        """Return the scope of a project.

        Raises:
            PermissionDenied: The person is not an admin of it.
        """
        access.require_role(Role.ADMIN)
        return cls(access.person, access.project.id, access.project.name)

    @classmethod
    def of_server(cls, person: Person) -> Self:
        """Return the scope of the server.

        Raises:
            PermissionDenied: The person is not an admin of the server.
        """
        if not person.is_admin:
            raise PermissionDenied("only admins of the server see this page")
        return cls(person, None, SERVER_NAME)

    @property
    def kinds(self) -> tuple[RuleKind, ...]:
        """The kinds of rules that this scope can have."""
        return SERVER_KINDS if self.project_id is None else PROJECT_KINDS

    async def record(
        self, connection: AsyncConnection, action: Action, subject: int, detail: ActionDetail
    ) -> None:
        """Record what the person did, in the transaction that does it."""
        await audit.add_audit_line(
            connection,
            action,
            person_id=self.person.id,
            project_id=self.project_id,
            subject=str(subject),
            detail=detail,
        )
