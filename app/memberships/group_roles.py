"""Gives members the roles that their groups at a sign-in provider stand for.

groups give   the member has      what happens
a role        none                they get the role
a role        one by groups       they get the role instead
a role        one by a person     it stays, whatever it is
none          one by groups       they are a member no longer
none          one by a person     it stays
"""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.ids import PersonId, ProjectId
from app.memberships.model import Role
from app.memberships.tables import group_roles, members
from app.projects import writes as projects


@dataclass(frozen=True, slots=True)
class RoleChange:
    """A role that groups gave, or took away: then `role` is None."""

    project_id: ProjectId
    role: Role | None


async def apply_group_roles(
    connection: AsyncConnection, person_id: PersonId, roles: Mapping[ProjectId, Role]
) -> list[RoleChange]:
    """Make a person a member of exactly the projects that groups give them, besides those by hand.

    The last owner of a project may lose the role here: admins of the server have the rights of an
    owner everywhere, and somebody who has left a group must not keep what it gave.

    Args:
        connection: The transaction of the caller.
        person_id: The person.
        roles: The role that their groups give them in each project.

    Returns:
        What changed.
    """
    given = await _read_given_roles(connection, person_id)
    # Always in the same order, so that no two sign-ins wait for one another.
    touched = sorted({*roles, *given})
    changes = []
    for project_id in touched:
        wanted = roles.get(project_id)
        if wanted is not None and given.get(project_id) == wanted:
            continue
        await projects.lock_project(connection, project_id)
        current = await _read_role(connection, project_id, person_id)
        if current is not None and current != given.get(project_id):
            await _forget_role(connection, project_id, person_id)
            continue
        if current is None and wanted is None:
            await _forget_role(connection, project_id, person_id)
            continue
        await _set_role(connection, project_id, person_id, wanted)
        changes.append(RoleChange(project_id, wanted))
    return changes


async def _read_given_roles(
    connection: AsyncConnection, person_id: PersonId
) -> dict[ProjectId, Role]:
    rows = await connection.execute(
        select(group_roles.c.project_id, group_roles.c.role).where(
            group_roles.c.person_id == person_id
        )
    )
    return {ProjectId(row.project_id): Role(row.role) for row in rows}


async def _read_role(
    connection: AsyncConnection, project_id: ProjectId, person_id: PersonId
) -> Role | None:
    role = await connection.scalar(
        select(members.c.role).where(
            members.c.project_id == project_id, members.c.person_id == person_id
        )
    )
    return None if role is None else Role(role)


async def _set_role(
    connection: AsyncConnection, project_id: ProjectId, person_id: PersonId, role: Role | None
) -> None:
    if role is None:
        # The row of `group_roles` goes with it.
        await connection.execute(
            delete(members).where(
                members.c.project_id == project_id, members.c.person_id == person_id
            )
        )
        return
    for table in (members, group_roles):
        await connection.execute(
            upsert(table)
            .values(project_id=project_id, person_id=person_id, role=role)
            .on_conflict_do_update(
                index_elements=[table.c.project_id, table.c.person_id], set_={"role": role}
            )
        )


async def _forget_role(
    connection: AsyncConnection, project_id: ProjectId, person_id: PersonId
) -> None:
    """Leave the role in a project to people from now on."""
    await connection.execute(
        delete(group_roles).where(
            group_roles.c.project_id == project_id, group_roles.c.person_id == person_id
        )
    )
