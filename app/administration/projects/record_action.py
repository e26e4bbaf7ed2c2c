"""Writes what somebody did to a project into the audit log."""

from sqlalchemy.ext.asyncio import AsyncConnection

from app.audit import writes as audit
from app.audit.model import Action, ActionDetail
from app.core.ids import PersonId, PublicKey
from app.memberships.model import ProjectAccess


async def record_action(
    connection: AsyncConnection,
    access: ProjectAccess,
    action: Action,
    *,
    subject: PersonId | PublicKey | int | None = None,
    detail: ActionDetail | None = None,
) -> None:
    """Record that somebody did something in their project, in the transaction that does it.

    Args:
        connection: The transaction of the caller.
        access: The person who did it, and the project.
        action: The action.
        subject: The id of the person or thing that it was done to.
        detail: A few facts about it.
    """
    await audit.add_audit_line(
        connection,
        action,
        person_id=access.person.id,
        project_id=access.project.id,
        subject=None if subject is None else str(subject),
        detail=detail,
    )
