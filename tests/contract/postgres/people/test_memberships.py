"""Tests of roles in projects, invitations, and the projects that a person can see."""

import asyncio

import pytest

from app.accounts import writes as account_writes
from app.accounts.model import Person
from app.core.errors import InvalidInput, NotFound
from app.core.ids import PersonId, ProjectId
from app.db.engine import Database
from app.memberships import invitations, queries, writes as membership_writes
from app.memberships.model import ProjectAccess, Role
from app.projects import queries as projects
from tests.support.builders.people import make_person, make_project
from tests.support.held_clock import HeldClock


async def test_roles_are_set_changed_and_removed(database: Database):
    """Roles are set, changed, listed by name and removed; a server admin counts as owner."""
    ada = await make_person(database, "ada@example.com")
    eve = await make_person(database, "eve@example.com")
    root = await make_person(database, "root@example.com", is_admin=True)
    project = await make_project(database, members={Role.OWNER: eve, Role.VIEWER: ada})
    async with database.transaction() as connection:
        await membership_writes.set_member(connection, project.id, ada.id, Role.ADMIN)
        assert await queries.find_role(connection, ada, project.id) is Role.ADMIN
        assert await queries.find_role(connection, root, project.id) is Role.OWNER
        assert await queries.find_role(connection, ada, ProjectId(99)) is None
        listed = await queries.list_members(connection, project.id)
        assert [(member.person, member.role) for member in listed] == [
            (ada, Role.ADMIN),
            (eve, Role.OWNER),
        ]
        for _ in range(2):
            await membership_writes.remove_member(connection, project.id, ada.id)
        assert await queries.find_role(connection, ada, project.id) is None
        with pytest.raises(NotFound):
            await membership_writes.set_member(connection, ProjectId(99), ada.id, Role.VIEWER)
        with pytest.raises(NotFound):
            await membership_writes.set_member(connection, project.id, PersonId(99), Role.VIEWER)


async def test_a_project_keeps_an_owner(database: Database):
    """When two owners remove each other at once, one of them stays."""
    ada = await make_person(database, "ada@example.com")
    eve = await make_person(database, "eve@example.com")
    project = await make_project(database, members={Role.OWNER: ada})
    async with database.transaction() as connection:
        with pytest.raises(InvalidInput, match="owner"):
            await membership_writes.set_member(connection, project.id, ada.id, Role.MEMBER)
        await membership_writes.set_member(connection, project.id, ada.id, Role.OWNER)
        await membership_writes.set_member(connection, project.id, eve.id, Role.OWNER)

    async def remove(person: Person) -> None:
        async with database.transaction() as connection:
            await membership_writes.remove_member(connection, project.id, person.id)

    results = await asyncio.gather(remove(ada), remove(eve), return_exceptions=True)
    assert sorted(type(result).__name__ for result in results) == ["InvalidInput", "NoneType"]


async def test_owners_who_leave_at_once_leave_one_behind(database: Database):
    """One of four owners who leave at the same time, or step down, is refused."""
    owners = [await make_person(database, f"owner-{number}@example.com") for number in range(4)]
    project = await make_project(database)
    async with database.transaction() as connection:
        for owner in owners:
            await membership_writes.set_member(connection, project.id, owner.id, Role.OWNER)

    async def leave(number: int) -> None:
        async with database.transaction() as connection:
            if number % 2:
                await membership_writes.remove_member(connection, project.id, owners[number].id)
            else:
                await membership_writes.set_member(
                    connection, project.id, owners[number].id, Role.VIEWER
                )

    answers = await asyncio.gather(*(leave(number) for number in range(4)), return_exceptions=True)
    assert sum(isinstance(answer, InvalidInput) for answer in answers) == 1, answers
    async with database.reading() as connection:
        members = await queries.list_members(connection, project.id)
    assert [member.role for member in members].count(Role.OWNER) == 1


async def test_a_deactivated_owner_is_no_owner_who_stays(database: Database):
    """The last owner who can sign in stays, whoever else owned the project once."""
    ada, bo = [await make_person(database, f"{name}@example.com") for name in ("ada", "bo")]
    project = await make_project(database)
    async with database.transaction() as connection:
        for owner in (ada, bo):
            await membership_writes.set_member(connection, project.id, owner.id, Role.OWNER)
        await account_writes.disable_person(connection, bo.id)
        with pytest.raises(InvalidInput, match="at least one owner"):
            await membership_writes.remove_member(connection, project.id, ada.id)
        await membership_writes.remove_member(connection, project.id, bo.id)


async def test_an_invitation_waits_for_thirty_days(database: Database, time: HeldClock):
    """An invitation expires after 30 days and is deleted, and a project has at most 100."""
    ada = await make_person(database)
    project = await make_project(database)
    async with database.transaction() as connection:
        await invitations.add_invitation(connection, project.id, "Ada@Example.com", Role.ADMIN)
        await invitations.add_invitation(connection, project.id, "ada@example.com", Role.VIEWER)
        (offer,) = await invitations.list_invitations_for(connection, ada)
        assert (offer.project_name, offer.role) == ("Shop", Role.VIEWER)
        for number in range(invitations.MOST_OF_PROJECT - 1):
            await invitations.add_invitation(connection, project.id, f"{number}@a.de", Role.VIEWER)
        with pytest.raises(InvalidInput, match="wait already"):
            await invitations.add_invitation(connection, project.id, "one@more.de", Role.VIEWER)
        time.at += invitations.GOOD_FOR
        assert await invitations.list_invitations_for(connection, ada) == []
        with pytest.raises(NotFound):
            await invitations.accept_invitation(connection, ada, project.id)
        assert await invitations.delete_old_invitations(connection) == invitations.MOST_OF_PROJECT


async def test_an_invitation_does_not_lower_a_role(database: Database):
    """An older invitation to a lower role does not take the member's role away."""
    ada = await make_person(database)
    project = await make_project(database)
    async with database.transaction() as connection:
        await invitations.add_invitation(connection, project.id, ada.email, Role.VIEWER)
        await membership_writes.set_member(connection, project.id, ada.id, Role.OWNER)
        assert await invitations.accept_invitation(connection, ada, project.id) is Role.OWNER
        assert await queries.find_role(connection, ada, project.id) is Role.OWNER


async def test_people_see_only_their_projects(database: Database):
    """A member sees their own projects, a server admin all of them, a stranger none."""
    ada = await make_person(database, "ada@example.com")
    eve = await make_person(database, "eve@example.com")
    root = await make_person(database, "root@example.com", is_admin=True)
    zoo = await make_project(database, "Zoo", members={Role.VIEWER: ada})
    bar = await make_project(database, "bar", members={Role.OWNER: ada})
    cat = await make_project(database, "Cat", members={Role.OWNER: eve})
    async with database.reading() as connection:
        assert await queries.list_projects(connection, ada) == [bar, zoo]
        assert await queries.list_project_ids(connection, ada) == [zoo.id, bar.id]
        assert await queries.list_projects(connection, root) == [bar, cat, zoo]
        assert await projects.list_all_projects(connection) == [zoo, bar, cat]
        assert await queries.get_access(connection, ada, zoo.id) == ProjectAccess(
            ada, zoo, Role.VIEWER
        )
        assert await queries.get_access(connection, root, zoo.id) == ProjectAccess(
            root, zoo, Role.OWNER
        )
        with pytest.raises(NotFound):
            await queries.get_access(connection, ada, cat.id)
        with pytest.raises(NotFound):
            await queries.get_access(connection, root, ProjectId(99))


async def test_projects_are_listed_by_the_required_role(database: Database):
    """A list that requires the admin role leaves out the projects of a mere member."""
    ada = await make_person(database)
    project = await make_project(database, members={Role.MEMBER: ada})
    async with database.reading() as connection:
        for role in (Role.VIEWER, Role.MEMBER):
            assert await queries.list_project_ids(connection, ada, role=role) == [project.id]
        for role in (Role.ADMIN, Role.OWNER):
            assert await queries.list_project_ids(connection, ada, role=role) == []
