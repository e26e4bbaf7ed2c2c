"""Tests of the person and the project that a new installation begins with."""

from pathlib import Path

from app.audit.model import Action
from app.audit.queries import list_audit_lines
from app.core.ids import PersonId
from app.db.engine import Database
from app.db.roles import DatabaseUrls
from app.memberships import queries as memberships
from app.memberships.model import Role
from app.preparation import DatabasePreparation
from app.projects import queries as projects
from tests.support.builders.people import make_person


async def read_first_members(url: str, database: Database, folder: Path) -> list[tuple[str, Role]]:
    """Prepare a database as a start does; return the members of its only project."""
    preparation = DatabasePreparation(DatabaseUrls(url, url), database, folder / "erasures.log")
    await preparation.begin()
    assert preparation.done.is_set()
    async with database.reading() as connection:
        (project,) = await projects.list_all_projects(connection)
        listed = await memberships.list_members(connection, project.id)
    return [(member.person.email, member.role) for member in listed]


async def test_the_first_person_owns_the_first_project(database, database_url, tmp_path):
    """A project always has an owner; another start changes nothing; the log has one line."""
    for _ in range(2):
        members = await read_first_members(database_url, database, tmp_path)
        assert members == [("admin@localhost", Role.OWNER)]
    async with database.reading() as connection:
        (line,) = await list_audit_lines(connection)
    assert (line.action, line.person_id, line.detail) == (
        Action.MEMBER_SET,
        None,
        {"role": "owner"},
    )


async def test_people_who_came_before_the_first_project_own_it_as_admins(
    database, database_url, tmp_path
):
    """The first admin of the server who can sign in becomes its owner, and nobody else does."""
    await make_person(database, "ada@example.com")
    gone = await make_person(database, "gone@example.com", is_admin=True)
    await make_person(database, "eve@example.com", is_admin=True)
    await make_person(database, "root@example.com", is_admin=True)
    await disable(database, gone.id)
    members = await read_first_members(database_url, database, tmp_path)
    assert members == [("eve@example.com", Role.OWNER)]


async def test_a_project_without_any_admin_waits_for_one(database, database_url, tmp_path):
    """People who administer nothing are not made owners by a start."""
    await make_person(database, "ada@example.com")
    assert await read_first_members(database_url, database, tmp_path) == []


async def disable(database: Database, person_id: PersonId) -> None:
    """Deactivate a person."""
    async with database.transaction() as connection:
        await connection.exec_driver_sql(
            f"update people set disabled_at = now() where id = {person_id}"
        )
