"""Creates a project with its first key, owned by the person who creates it."""

from sqlalchemy.ext.asyncio import AsyncConnection

from app.accounts.model import Person
from app.audit import writes as audit
from app.audit.model import Action
from app.core.errors import PermissionDenied
from app.db.engine import Database
from app.memberships import writes as memberships
from app.memberships.model import Role
from app.projects import writes as projects
from app.projects.keys import KeyCache
from app.projects.model import Project


def require_creator(person: Person) -> None:
    """Make sure that a person may create projects.

    Raises:
        PermissionDenied: They are not an admin of the server.
    """
    if not person.is_admin:
        raise PermissionDenied("only an admin of this server can create projects")


async def create_project(database: Database, keys: KeyCache, person: Person, name: str) -> Project:
    """Create a project; envelopes with its key are accepted as soon as this returns.

    Raises:
        PermissionDenied: The person is not an admin of the server.
        InvalidInput: The name cannot be used.
    """
    require_creator(person)
    async with database.transaction() as connection:
        project = await add_owned_project(connection, person, name)
    await keys.refresh()
    return project


async def add_owned_project(connection: AsyncConnection, person: Person, name: str) -> Project:
    """Add a project with its first key and its owner, and record it.

    Raises:
        InvalidInput: The name cannot be used.
    """
    project = await projects.add_project(connection, name)
    await projects.add_key(connection, project.id, label="Default")
    await memberships.set_member(connection, project.id, person.id, Role.OWNER)
    await audit.add_audit_line(
        connection, Action.PROJECT_ADDED, person_id=person.id, project_id=project.id
    )
    return project
