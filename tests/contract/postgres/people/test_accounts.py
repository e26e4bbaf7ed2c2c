"""Tests of people, their passwords, sign-ins and sign-in links in Postgres."""

import asyncio
from datetime import timedelta
from typing import TypedDict

import argon2
import pytest

from app.accounts import links, passwords, queries, sign_ins, writes
from app.accounts.model import Person
from app.administration.people import sign_in
from app.administration.people.change_password import change_password
from app.administration.people.sign_out import sign_person_out
from app.audit import queries as audit
from app.core.errors import InvalidInput, NotFound, SignInFailed, TooManyAttempts
from app.core.ids import PersonId
from app.db.engine import Database
from tests.support.builders.people import PASSWORD, make_person
from tests.support.held_clock import HeldClock


class Place(TypedDict):
    """Where a sign-in comes from."""

    address: str
    user_agent: str


PLACE: Place = {"address": "192.0.2.1", "user_agent": "Browser"}
MINUTE = timedelta(minutes=1)
NEW = "a new long password"

pytestmark = pytest.mark.usefixtures("quick_passwords")


async def sign_in_by_password(
    database: Database, email: str = "ada@example.com", password: str = PASSWORD
):
    """Sign in with a password."""
    return await sign_in.sign_in_with_password(database, email, password, **PLACE)


async def find_person_signed_in(database: Database, token: str) -> Person | None:
    """Return the person whose sign-in a token belongs to."""
    async with database.reading() as connection:
        signed_in = await sign_ins.find_signed_in(connection, token)
    return signed_in.person if signed_in else None


async def list_actions(database: Database) -> list[str]:
    """Return the actions in the audit log, oldest first."""
    async with database.reading() as connection:
        return [line.action for line in await audit.list_audit_lines(connection)][::-1]


async def test_an_address_is_known_in_any_case(database: Database):
    """Ada@Example.com and ada@example.COM are one person and cannot be two."""
    async with database.transaction() as connection:
        assert not await queries.has_people(connection)
        ada = await writes.add_person(connection, " Ada@Example.com ")
        assert (ada.email, ada.name, ada.has_password) == ("ada@example.com", "ada", False)
        assert await queries.find_person(connection, "ADA@example.COM") == ada
        assert await queries.find_person(connection, "eve@example.com") is None
        with pytest.raises(InvalidInput, match="already"):
            await writes.add_person(connection, "ADA@example.com", name="Ada")
        assert await queries.has_people(connection)


@pytest.mark.parametrize(
    "email",
    ["", "ada", "@host", "ada@", "a b@c", "a\0@c", "a\n@c", "x" * 250 + "@a.de", "\ud800@c"],
)
async def test_text_that_is_not_an_address_is_refused(database: Database, email: str):
    """An address has text on both sides of an `@`, no blanks, and at most 254 characters."""
    async with database.transaction() as connection:
        with pytest.raises(InvalidInput, match="not an e-mail address"):
            await writes.add_person(connection, email)


async def test_an_address_of_254_characters_is_accepted(database: Database):
    """An address of 254 characters is accepted, and its NUL characters are dropped."""
    async with database.transaction() as connection:
        person = await writes.add_person(connection, "x" * 249 + "@a.de", name="Ada\0")
    assert (len(person.email), person.name) == (254, "Ada")


async def test_people_are_changed_and_paged(database: Database):
    """Names and admin rights change, and the next page begins after the last id."""
    ada = await make_person(database, "ada@example.com")
    eve = await make_person(database, "eve@example.com")
    async with database.transaction() as connection:
        await writes.rename_person(connection, ada.id, " Ada L. ")
        await writes.set_admin(connection, ada.id, is_admin=True)
        with pytest.raises(InvalidInput):
            await writes.rename_person(connection, ada.id, " ")
        with pytest.raises(NotFound):
            await writes.set_admin(connection, PersonId(99), is_admin=True)
        with pytest.raises(NotFound):
            await queries.get_person(connection, PersonId(99))
        changed = await queries.get_person(connection, ada.id)
        assert (changed.name, changed.is_admin) == ("Ada L.", True)
        assert await queries.list_people(connection, limit=1) == [changed]
        assert await queries.list_people(connection, after_id=ada.id) == [eve]


async def test_the_right_password_signs_in(database: Database):
    """The token belongs to the person, and the case of the address does not matter."""
    ada = await make_person(database, password=PASSWORD)
    token = await sign_in_by_password(database, "ADA@example.com")
    person = await find_person_signed_in(database, token)
    assert person is not None
    assert (person.id, person.has_password) == (ada.id, True)
    assert await find_person_signed_in(database, token + "x") is None
    assert await list_actions(database) == ["sign_in"]


async def test_wrong_address_and_wrong_password_look_the_same(database: Database):
    """The error does not reveal who has an account."""
    await make_person(database, password=PASSWORD)
    await make_person(database, "link@example.com")
    messages = set()
    for email, password in [
        ("ada@example.com", PASSWORD + "x"),
        ("ada@example.com", "x" * 1001),
        ("eve@example.com", PASSWORD),
        ("link@example.com", PASSWORD),
        ("link@example.com", ""),
    ]:
        with pytest.raises(SignInFailed) as refused:
            await sign_in_by_password(database, email, password)
        messages.add(str(refused.value))
    assert len(messages) == 1


async def test_a_sign_in_ends_after_twelve_idle_hours(database: Database, time: HeldClock):
    """Requests keep a sign-in alive for at most 30 days, and 12 idle hours end it."""
    await make_person(database, password=PASSWORD)
    token = await sign_in_by_password(database)
    time.at += timedelta(hours=12) - timedelta(seconds=1)
    assert await find_person_signed_in(database, token)
    time.at += timedelta(seconds=1)
    assert await find_person_signed_in(database, token) is None

    token = await sign_in_by_password(database)
    began = time.at
    while time.at < began + timedelta(days=30):
        assert await find_person_signed_in(database, token)
        async with database.transaction() as connection:
            await sign_ins.note_use(connection, token)
        time.at += timedelta(hours=6)
    assert await find_person_signed_in(database, token) is None


async def test_last_seen_is_written_once_a_minute(database: Database, time: HeldClock):
    """A page with thirty requests costs one write."""
    await make_person(database, password=PASSWORD)
    token = await sign_in_by_password(database)
    began = time.at
    async with database.transaction() as connection:
        for seconds, seen_s in [(59, 0), (60, 60), (119, 60), (120, 120)]:
            time.at = began + timedelta(seconds=seconds)
            signed_in_before = await sign_ins.find_signed_in(connection, token)
            assert signed_in_before is not None
            await sign_ins.note_use(connection, token)
            signed_in_after = await sign_ins.find_signed_in(connection, token)
            assert signed_in_after is not None
            assert signed_in_after.sign_in.last_seen_at == began + timedelta(seconds=seen_s)
            assert signed_in_before.is_touch_due == (
                signed_in_before.sign_in != signed_in_after.sign_in
            )


async def test_people_see_and_end_their_own_sign_ins(database: Database):
    """The list has every device; a handle ends a sign-in of its own person only."""
    ada = await make_person(database, password=PASSWORD)
    eve = await make_person(database, "eve@example.com")
    here, there = await sign_in_by_password(database), await sign_in_by_password(database)
    async with database.transaction() as connection:
        listed = await sign_ins.list_sign_ins(connection, ada.id)
        assert [sign_in.user_agent for sign_in in listed] == ["Browser", "Browser"]
        other = await sign_ins.find_signed_in(connection, there)
        assert other is not None
        assert not await sign_ins.end_sign_in_by_handle(connection, eve.id, other.sign_in.handle)
        assert not await sign_ins.end_sign_in_by_handle(connection, ada.id, "no hex")
        assert await sign_ins.end_sign_in_by_handle(connection, ada.id, other.sign_in.handle)
    assert await find_person_signed_in(database, there) is None
    await sign_person_out(database, None, here)
    assert await find_person_signed_in(database, here) is None


async def test_a_new_password_ends_every_sign_in_and_link(database: Database):
    """Only the sign-in that the change begins is alive afterwards."""
    ada = await make_person(database, password=PASSWORD)
    old = await sign_in_by_password(database)
    ada = await find_person_signed_in(database, old) or ada
    async with database.transaction() as connection:
        link = await links.make_sign_in_link(connection, ada.id)
    new = await change_password(database, ada, current=PASSWORD, new="another long one", **PLACE)
    assert await find_person_signed_in(database, old) is None
    assert await find_person_signed_in(database, new)
    with pytest.raises(SignInFailed):
        await sign_in.sign_in_with_link(database, link, **PLACE)
    with pytest.raises(SignInFailed):
        await sign_in_by_password(database)
    assert await sign_in_by_password(database, password="another long one")
    assert (await list_actions(database))[:2] == ["sign_in", "password_changed"]


async def test_changing_a_password_needs_the_current_one(database: Database):
    """An open browser is not enough to take over an account; guesses there are limited too."""
    await make_person(database, password=PASSWORD)
    ada = await find_person_signed_in(database, await sign_in_by_password(database))
    assert ada is not None
    for wrong in ("wrong", "", "wrong", "wrong", "wrong"):
        with pytest.raises(SignInFailed):
            await change_password(database, ada, current=wrong, new=NEW, **PLACE)
    with pytest.raises(TooManyAttempts):
        await change_password(database, ada, current=PASSWORD, new=NEW, **PLACE)


async def test_a_link_signs_in_once(database: Database):
    """When a link is used twice at once, one use signs in; a later use fails."""
    ada = await make_person(database)
    async with database.transaction() as connection:
        link = await links.make_sign_in_link(connection, ada.id)
        assert await links.find_sign_in_link(connection, link) is not None
    attempts = [sign_in.sign_in_with_link(database, link, **PLACE) for _ in range(2)]
    answers = await asyncio.gather(*attempts, return_exceptions=True)
    (token,) = (answer for answer in answers if isinstance(answer, str))
    assert [type(answer) for answer in answers].count(SignInFailed) == 1
    person = await find_person_signed_in(database, token)
    assert person is not None
    assert person.id == ada.id
    assert person.last_sign_in_at is not None
    async with database.reading() as connection:
        assert await links.find_sign_in_link(connection, link) is None
    token = await change_password(database, ada, current="", new=NEW, **PLACE)
    assert await find_person_signed_in(database, token)


async def test_a_link_works_for_a_day(database: Database, time: HeldClock):
    """A link is useless 24 hours after its creation, and housekeeping deletes it."""
    ada = await make_person(database)
    async with database.transaction() as connection:
        link = await links.make_sign_in_link(connection, ada.id)
        time.at += timedelta(hours=24) - timedelta(seconds=1)
        assert await links.find_sign_in_link(connection, link) is not None
        assert await writes.delete_ended_access(connection) == 0
        time.at += timedelta(seconds=1)
        assert await links.find_sign_in_link(connection, link) is None
        assert await links.use_sign_in_link(connection, link) is None
        assert await writes.delete_ended_access(connection) == 1


async def test_a_disabled_person_is_signed_out_at_once(database: Database):
    """Sign-ins, links and passwords of a disabled person do not work until they are enabled."""
    ada = await make_person(database, password=PASSWORD)
    token = await sign_in_by_password(database)
    async with database.transaction() as connection:
        await writes.disable_person(connection, ada.id)
        link = await links.make_sign_in_link(connection, ada.id)
        assert await links.find_sign_in_link(connection, link) is None
    assert await find_person_signed_in(database, token) is None
    with pytest.raises(SignInFailed):
        await sign_in_by_password(database)
    with pytest.raises(SignInFailed):
        await sign_in.sign_in_with_link(database, link, **PLACE)
    async with database.transaction() as connection:
        await writes.enable_person(connection, ada.id)
    assert await sign_in_by_password(database)


async def test_a_weak_password_hash_is_replaced_at_sign_in(
    database: Database, monkeypatch: pytest.MonkeyPatch
):
    """When the hash settings become stronger, the next sign-in replaces the weaker hash."""
    ada = await make_person(database, password=PASSWORD)
    other = await sign_in_by_password(database)
    stronger = argon2.PasswordHasher(time_cost=2, memory_cost=16, parallelism=1)
    monkeypatch.setattr(passwords, "_HASHER", stronger)
    await sign_in_by_password(database)
    async with database.reading() as connection:
        secret = await queries.find_secret(connection, ada.email)
    assert secret is not None
    assert (secret.password_hash or "").startswith("$argon2id$v=19$m=16,t=2,p=1$")
    assert await find_person_signed_in(database, other), (
        "a stronger hash of the same password ends nothing"
    )


async def test_housekeeping_deletes_what_has_expired(database: Database, time: HeldClock):
    """Expired attempts and sign-ins are deleted; live ones stay."""
    await make_person(database, password=PASSWORD)
    await sign_in_by_password(database)
    with pytest.raises(SignInFailed):
        await sign_in_by_password(database, password="wrong")
    time.at += timedelta(hours=12)
    token = await sign_in_by_password(database, email="ada@example.com")
    async with database.transaction() as connection:
        assert await writes.delete_ended_access(connection) == 1
    assert await find_person_signed_in(database, token)
