"""Made-up people and projects for tests; each makes a valid one and changes one detail."""

from app.accounts import passwords, writes as accounts
from app.accounts.model import Person
from app.db.engine import Database
from app.memberships import writes as membership_writes
from app.memberships.model import Role
from app.projects import writes as projects
from app.projects.model import Project

PASSWORD = "correct horse battery"


async def make_person(
    database: Database,
    email: str = "ada@example.com",
    *,
    password: str | None = None,
    is_admin: bool = False,
) -> Person:
    """Add a person; with a password if one is given."""
    password_hash = None if password is None else await passwords.hash_new_password(password)
    async with database.transaction() as connection:
        person = await accounts.add_person(connection, email, is_admin=is_admin)
        if password_hash is not None:
            await accounts.set_password(connection, person.id, password_hash)
    return person


async def make_project(
    database: Database, name: str = "Shop", *, members: dict[Role, Person] | None = None
) -> Project:
    """Add a project and its members."""
    async with database.transaction() as connection:
        project = await projects.add_project(connection, name)
        for role, person in (members or {}).items():
            await membership_writes.set_member(connection, project.id, person.id, role)
    return project
