"""A server always keeps a local admin, and a deactivated person stays out."""

import asyncio
from datetime import UTC, datetime

import pytest

from app.accounts import queries, sign_ins, writes
from app.accounts.model import Person, PersonOrigin
from app.core.errors import InvalidInput, SignInFailed
from app.core.ids import PersonId
from app.db import migrate
from app.db.engine import Database
from tests.support.builders.people import make_person
from tests.support.servers.migrations import upgrade_to
from tests.support.servers.postgres import run_sql


async def add_provider_admin(database: Database, email: str) -> Person:
    """Add an admin whose account comes from an sign-in provider."""
    async with database.transaction() as connection:
        return await writes.add_person(
            connection, email, is_admin=True, origin=PersonOrigin.PROVIDER
        )


async def disable(database: Database, person_id: PersonId) -> None:
    """Disable a person in a transaction of its own."""
    async with database.transaction() as connection:
        await writes.disable_person(connection, person_id)


async def demote(database: Database, person_id: PersonId) -> None:
    """Remove admin rights in a transaction of its own."""
    async with database.transaction() as connection:
        await writes.set_admin(connection, person_id, is_admin=False)


async def count_local_admins(database: Database) -> int:
    """Count the local admins who are not disabled."""
    async with database.reading() as connection:
        people = await queries.list_people(connection)
    return sum(
        person.is_admin and person.disabled_at is None and person.origin is PersonOrigin.LOCAL
        for person in people
    )


@pytest.mark.parametrize("leave", [disable, demote])
async def test_the_last_local_admin_stays(database: Database, leave):
    """An admin from an sign-in provider does not count, nor does a disabled one."""
    ada = await make_person(database, "ada@example.com", is_admin=True)
    bo = await make_person(database, "bo@example.com", is_admin=True)
    provider_admin = await add_provider_admin(database, "cy@example.com")
    await disable(database, bo.id)
    with pytest.raises(InvalidInput, match="at least one local admin"):
        await leave(database, ada.id)
    await leave(database, provider_admin.id)
    async with database.transaction() as connection:
        await writes.enable_person(connection, bo.id)
    await leave(database, ada.id)
    assert await count_local_admins(database) == 1


@pytest.mark.parametrize("leave", [disable, demote])
async def test_admins_who_leave_at_once_leave_one_behind(database: Database, leave):
    """Exactly one of four admins who leave at the same time is refused."""
    admins = [
        await make_person(database, f"admin-{number}@example.com", is_admin=True)
        for number in range(4)
    ]
    answers = await asyncio.gather(
        *(leave(database, admin.id) for admin in reversed(admins)), return_exceptions=True
    )
    assert sum(isinstance(answer, InvalidInput) for answer in answers) == 1, answers
    assert await count_local_admins(database) == 1


async def test_a_sign_in_that_races_a_deactivation_stays_out(database: Database):
    """A sign-in that waits for a deactivation fails, so it does not come back later."""
    ada = await make_person(database)
    is_disabled = asyncio.Event()

    async def deactivate() -> None:
        async with database.transaction() as connection:
            await writes.disable_person(connection, ada.id)
            is_disabled.set()

    async def start() -> None:
        async with database.transaction() as connection:
            await is_disabled.wait()
            await sign_ins.start_sign_in(connection, ada.id, user_agent="Browser")

    _, refused = await asyncio.gather(deactivate(), start(), return_exceptions=True)
    assert isinstance(refused, SignInFailed)
    async with database.reading() as connection:
        assert await sign_ins.list_sign_ins(connection, ada.id) == []


async def test_a_sign_in_is_kept_with_its_address(database: Database):
    """The list of sign-ins says from where, and the person when they signed in last."""
    ada = await make_person(database)
    assert ada.last_sign_in_at is None
    async with database.transaction() as connection:
        await sign_ins.start_sign_in(
            connection, ada.id, user_agent="Browser", address="192.0.2.1" + "x" * 200
        )
        (sign_in,) = await sign_ins.list_sign_ins(connection, ada.id)
        known = await queries.get_person(connection, ada.id)
    assert sign_in.address.startswith("192.0.2.1x")
    assert len(sign_in.address.encode()) == 100
    assert known.last_sign_in_at == sign_in.created_at


async def test_the_migration_takes_the_last_sign_in_from_the_log(empty_database_url: str):
    """People of an older release are local, and the log says when they signed in last."""
    await upgrade_to(empty_database_url, "0023")
    await run_sql(
        empty_database_url,
        "insert into people (email, name) values ('ada@example.com', 'Ada'), ('bo@b.de', 'Bo');"
        "insert into audit_lines (person_id, action, detail, at) values"
        " (1, 'sign_in', '{}', '2026-11-02Z'), (1, 'sign_in', '{}', '2026-11-01Z'),"
        " (2, 'sign_out', '{}', '2026-11-03Z')",
    )
    await migrate.upgrade(empty_database_url)
    database = Database.open(empty_database_url, pool_size=2)
    try:
        async with database.reading() as connection:
            ada, bo = await queries.list_people(connection)
    finally:
        await database.close()
    assert ada.last_sign_in_at == datetime(2026, 11, 2, tzinfo=UTC)
    assert (ada.origin, bo.last_sign_in_at) == (PersonOrigin.LOCAL, None)
