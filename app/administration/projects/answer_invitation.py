"""Lets a person accept or decline an invitation to a project that they are not in yet."""

from app.accounts.model import Person
from app.audit import writes as audit
from app.audit.model import Action, ActionDetail
from app.core.errors import NotFound
from app.core.ids import ProjectId
from app.db.engine import Database
from app.memberships import invitations


async def accept_invitation(database: Database, person: Person, project_id: ProjectId) -> None:
    """Make a person a member of a project that they are invited to.

    Raises:
        NotFound: They are not invited, or not any more.
    """
    async with database.transaction() as connection:
        role = await invitations.accept_invitation(connection, person, project_id)
        detail: ActionDetail = {"role": role}
        await audit.add_audit_line(
            connection,
            Action.INVITATION_ACCEPTED,
            person_id=person.id,
            project_id=project_id,
            detail=detail,
        )


async def decline_invitation(database: Database, person: Person, project_id: ProjectId) -> None:
    """Delete an invitation of a person.

    Raises:
        NotFound: They are not invited, or not any more.
    """
    async with database.transaction() as connection:
        if not await invitations.delete_invitation(connection, project_id, person.email):
            raise NotFound("no invitation to this project")
        await audit.add_audit_line(
            connection, Action.INVITATION_DECLINED, person_id=person.id, project_id=project_id
        )
