"""Reads of members and roles, and of the projects that a person reaches."""

from collections.abc import Collection, Sequence

from sqlalchemy import Select, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from app.accounts import queries as accounts
from app.accounts.model import Person
from app.core.errors import NotFound
from app.core.ids import PersonId, ProjectId
from app.memberships.model import Member, Membership, ProjectAccess, Role
from app.memberships.tables import members
from app.projects import queries as projects
from app.projects.model import Project


async def get_access(
    connection: AsyncConnection, person: Person, project_id: ProjectId
) -> ProjectAccess:
    """Return a person's access to a project.

    Raises:
        NotFound: There is none, or the person may not know that there is.
    """
    role = await find_role(connection, person, project_id)
    if role is None:
        raise NotFound(f"no project {project_id}")
    return ProjectAccess(person, await projects.get_project(connection, project_id), role)


async def list_projects(
    connection: AsyncConnection, person: Person, *, role: Role = Role.VIEWER
) -> list[Project]:
    """Return all projects in which a person has at least `role`, by name.

    They have no limit: only admins of the server add projects.
    """
    reached = None if person.is_admin else _select_project_ids(person, role)
    return await projects.list_projects(connection, among=reached)


async def list_project_ids(
    connection: AsyncConnection, person: Person, *, role: Role = Role.VIEWER
) -> list[ProjectId]:
    """Return the ids of the projects in which a person has at least `role`, in order."""
    if person.is_admin:
        return await projects.list_all_project_ids(connection)
    reached = _select_project_ids(person, role).order_by(members.c.project_id)
    return [ProjectId(project_id) for project_id in await connection.scalars(reached)]


async def find_projects_without_bodies(
    connection: AsyncConnection, person: Person, visible: Sequence[Project]
) -> frozenset[ProjectId]:
    """Return the projects in which a person does not see the bodies of requests.

    Args:
        connection: The connection to read with; an admin of the server costs no query.
        person: The person who asks.
        visible: Projects that they may see.
    """
    closed = [project.id for project in visible if not project.viewers_see_bodies]
    if person.is_admin or not closed:
        return frozenset()
    roles = await read_roles(connection, person.id, closed)
    # A role that was lost since `visible` was read gives no more than the least one.
    return frozenset(
        project_id
        for project_id in closed
        if not roles.get(project_id, Role.VIEWER).includes(Role.MEMBER)
    )


async def check_role_in(
    connection: AsyncConnection,
    person: Person,
    project_ids: Collection[ProjectId],
    *,
    role: Role,
) -> None:
    """Make sure that a person has at least `role` in each of some projects.

    Raises:
        NotFound: They have not.
    """
    reached = await list_project_ids(connection, person, role=role)
    if not set(project_ids) <= set(reached):
        raise NotFound("no such replay, or not for you to change")


async def find_role(
    connection: AsyncConnection, person: Person, project_id: ProjectId
) -> Role | None:
    """Return a person's role in a project, or None if they may not even know that it exists.

    An admin of the server has the role of an owner in every project.
    """
    if person.is_admin:
        return Role.OWNER
    return await find_member_role(connection, project_id, person.id)


async def find_member_role(
    connection: AsyncConnection, project_id: ProjectId, person_id: PersonId
) -> Role | None:
    """Return the role of a member, or None if the person is not a member of the project."""
    role = await connection.scalar(
        select(members.c.role).where(
            members.c.project_id == project_id, members.c.person_id == person_id
        )
    )
    return None if role is None else Role(role)


async def read_roles(
    connection: AsyncConnection, person_id: PersonId, project_ids: Sequence[ProjectId]
) -> dict[ProjectId, Role]:
    """Return the roles that a person has as a member, by project; other projects are left out."""
    rows = await connection.execute(
        select(members.c.project_id, members.c.role).where(
            members.c.person_id == person_id, members.c.project_id.in_(project_ids)
        )
    )
    return {ProjectId(row.project_id): Role(row.role) for row in rows}


async def list_projects_of_people(
    connection: AsyncConnection, person_ids: Sequence[PersonId]
) -> dict[PersonId, list[Membership]]:
    """Return the projects that some people are members of, by name; others are left out."""
    rows = list(
        await connection.execute(
            select(members.c.person_id, members.c.project_id, members.c.role).where(
                members.c.person_id.in_(person_ids)
            )
        )
    )
    names = await projects.read_project_names(connection, {row.project_id for row in rows})
    found: dict[PersonId, list[Membership]] = {}
    for row in sorted(
        rows, key=lambda row: (names.get(row.project_id, "").lower(), row.project_id)
    ):
        if row.project_id in names:
            membership = Membership(
                ProjectId(row.project_id), names[row.project_id], Role(row.role)
            )
            found.setdefault(PersonId(row.person_id), []).append(membership)
    return found


async def list_members(
    connection: AsyncConnection, project_id: ProjectId, *, first: int = 0, limit: int = 100
) -> list[Member]:
    """Return some members of a project, by name.

    Args:
        connection: The connection to read with.
        project_id: The project.
        first: Number of members to skip.
        limit: The most members that are returned.
    """
    is_here = members.c.project_id == project_id
    people = await accounts.list_people_by_name(
        connection, among=select(members.c.person_id).where(is_here), first=first, limit=limit
    )
    rows = await connection.execute(
        select(members.c.person_id, members.c.role).where(
            is_here, members.c.person_id.in_([person.id for person in people])
        )
    )
    roles = {row.person_id: Role(row.role) for row in rows}
    return [Member(person, project_id, roles[person.id]) for person in people if person.id in roles]


async def count_members(connection: AsyncConnection, project_id: ProjectId) -> int:
    """Count the members of a project."""
    quantity = await connection.scalar(
        select(func.count()).where(members.c.project_id == project_id)
    )
    return quantity or 0


def _select_project_ids(person: Person, role: Role) -> Select[int]:
    """Select the projects of which a person is a member with at least `role`."""
    return select(members.c.project_id).where(
        members.c.person_id == person.id, members.c.role.in_(role.and_above())
    )
