"""Reads and changes what the page of one person shows: their way in, projects and sign-ins."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncConnection

from app.accounts import people_list, sign_ins
from app.accounts.model import Person, SignIn
from app.accounts.people_list import ListedPerson
from app.administration.projects import change_members
from app.administration.server.server_admin import require_server_admin
from app.core.errors import InvalidInput, NotFound
from app.core.ids import PersonId, ProjectId
from app.db.engine import Database
from app.memberships import queries as memberships
from app.memberships.model import Membership, ProjectAccess
from app.projects.model import Project


@dataclass(frozen=True, slots=True)
class PersonDetails:
    """A person with everything that an admin of the server may see of them."""

    listed: ListedPerson
    memberships: Sequence[Membership]
    sign_ins: Sequence[SignIn]
    other_projects: Sequence[Project]
    """The projects that they are not a member of."""


async def read_person(database: Database, admin: Person, person_id: PersonId) -> PersonDetails:
    """Return a person for an admin of the server.

    Raises:
        PermissionDenied: Whoever asks is not an admin of the server.
        NotFound: There is no such person.
    """
    require_server_admin(admin)
    async with database.reading() as connection:
        listed = await _find_listed_person(connection, person_id)
        joined = await memberships.list_projects_of_people(connection, [person_id])
        own = joined.get(person_id, [])
        own_ids = {membership.project_id for membership in own}
        return PersonDetails(
            listed,
            own,
            await sign_ins.list_sign_ins(connection, person_id),
            [
                project
                for project in await memberships.list_projects(connection, admin)
                if project.id not in own_ids
            ],
        )


async def set_project_role(
    database: Database, admin: Person, person_id: PersonId, project_id: str, role_name: str
) -> None:
    """Give a person a role in a project, instead of the one they may have.

    Raises:
        PermissionDenied: Whoever asks is not an admin of the server.
        NotFound: There is no such person or project.
        InvalidInput: The form names no project or role, the person is deactivated, or the project
            would have no owner left.
    """
    person, access = await _find_both(database, admin, person_id, project_id)
    await change_members.set_member(database, access, person.email, role_name)


async def leave_project(
    database: Database, admin: Person, person_id: PersonId, project_id: str
) -> None:
    """Take a person out of a project.

    Raises:
        PermissionDenied: Whoever asks is not an admin of the server.
        NotFound: There is no such person or project.
        InvalidInput: The project would have no owner left.
    """
    person, access = await _find_both(database, admin, person_id, project_id)
    await change_members.remove_member(database, access, person.id)


async def _find_both(
    database: Database, admin: Person, person_id: PersonId, project_id: str
) -> tuple[Person, ProjectAccess]:
    require_server_admin(admin)
    if not project_id.isascii() or not project_id.isdecimal() or len(project_id) > len("1" * 18):
        raise InvalidInput("choose a project")
    async with database.reading() as connection:
        listed = await _find_listed_person(connection, person_id)
        access = await memberships.get_access(connection, admin, ProjectId(int(project_id)))
    return listed.person, access


async def _find_listed_person(connection: AsyncConnection, person_id: PersonId) -> ListedPerson:
    listed = await people_list.find_listed_person(connection, person_id)
    if listed is None:
        raise NotFound(f"no person {person_id}")
    return listed
