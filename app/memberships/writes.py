"""Writes of members; the caller commits."""

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from app.accounts import queries as accounts
from app.core.errors import InvalidInput
from app.core.ids import PersonId, ProjectId
from app.memberships.model import Role
from app.memberships.tables import members
from app.projects import writes as projects


async def set_member(
    connection: AsyncConnection, project_id: ProjectId, person_id: PersonId, role: Role
) -> None:
    """Give a person a role in a project, instead of the one they may have.

    Raises:
        InvalidInput: The project would have no owner left.
        NotFound: There is no such project or person.
    """
    await projects.lock_project(connection, project_id)
    await accounts.get_person(connection, person_id)
    if role is not Role.OWNER:
        await _require_another_owner(connection, project_id, person_id)
    await connection.execute(
        upsert(members)
        .values(project_id=project_id, person_id=person_id, role=role)
        .on_conflict_do_update(
            index_elements=[members.c.project_id, members.c.person_id], set_={"role": role}
        )
    )


async def remove_member(
    connection: AsyncConnection, project_id: ProjectId, person_id: PersonId
) -> None:
    """Take a person out of a project; does nothing when they are not in it.

    Raises:
        InvalidInput: The project would have no owner left.
        NotFound: There is no such project.
    """
    await projects.lock_project(connection, project_id)
    await _require_another_owner(connection, project_id, person_id)
    await connection.execute(
        delete(members).where(members.c.project_id == project_id, members.c.person_id == person_id)
    )


async def _require_another_owner(
    connection: AsyncConnection, project_id: ProjectId, leaving: PersonId
) -> None:
    """Make sure that somebody besides `leaving` owns the project and can sign in.

    The project is locked, so two owners cannot remove each other at once.
    """
    owners = set(
        await connection.scalars(
            select(members.c.person_id).where(
                members.c.project_id == project_id, members.c.role == Role.OWNER
            )
        )
    )
    if leaving in owners and not await accounts.keep_enabled(connection, owners - {leaving}):
        raise InvalidInput("a project keeps at least one owner; make somebody else one first")
