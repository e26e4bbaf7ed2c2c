"""Reads of people."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Select, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from app.accounts.model import Person, PersonOrigin
from app.accounts.tables import people
from app.core.errors import NotFound
from app.core.ids import PersonId

PERSON_COLUMNS: Final = (
    people.c.id,
    people.c.email,
    people.c.name,
    people.c.is_admin,
    (people.c.password_hash.is_not(None)).label("has_password"),
    people.c.created_at,
    people.c.disabled_at,
    people.c.origin,
    people.c.last_sign_in_at,
)


@dataclass(frozen=True, slots=True)
class PasswordSecret:
    """The hash that a password is checked against."""

    person_id: PersonId
    password_hash: str | None


async def get_person(connection: AsyncConnection, person_id: PersonId) -> Person:
    """Return a person, also a disabled one.

    Raises:
        NotFound: There is no such person.
    """
    rows = await connection.execute(select(*PERSON_COLUMNS).where(people.c.id == person_id))
    row = rows.first()
    if row is None:
        raise NotFound(f"no person {person_id}")
    return read_person_row(row)


async def find_person(connection: AsyncConnection, email: str) -> Person | None:
    """Return the person with an address, whatever its case; None if there is none."""
    rows = await connection.execute(
        select(*PERSON_COLUMNS).where(people.c.email == email.strip().lower())
    )
    row = rows.first()
    return None if row is None else read_person_row(row)


async def list_people(
    connection: AsyncConnection, *, after_id: PersonId | None = None, limit: int = 200
) -> list[Person]:
    """Return a page of all people, in the order they were added."""
    query = select(*PERSON_COLUMNS).order_by(people.c.id).limit(limit)
    if after_id is not None:
        query = query.where(people.c.id > after_id)
    return [read_person_row(row) for row in await connection.execute(query)]


async def has_people(connection: AsyncConnection) -> bool:
    """Tell whether anybody has an account; a fresh installation has nobody."""
    return bool(await connection.scalar(select(select(people.c.id).exists())))


async def find_first_admin(connection: AsyncConnection) -> Person | None:
    """Return the admin of the server who was added first and can sign in; None without any."""
    rows = await connection.execute(
        select(*PERSON_COLUMNS)
        .where(people.c.is_admin, people.c.disabled_at.is_(None))
        .order_by(people.c.id)
        .limit(1)
    )
    row = rows.first()
    return None if row is None else read_person_row(row)


async def list_people_by_name(
    connection: AsyncConnection, *, among: Select[int], first: int, limit: int
) -> list[Person]:
    """Return some people by name, also disabled ones.

    Args:
        connection: The connection to read with.
        among: Selects the ids of the people.
        first: Number of people to skip.
        limit: The most people that are returned.
    """
    rows = await connection.execute(
        select(*PERSON_COLUMNS)
        .where(people.c.id.in_(among))
        .order_by(func.lower(people.c.name), people.c.id)
        .offset(first)
        .limit(limit)
    )
    return [read_person_row(row) for row in rows]


async def read_person_names(
    connection: AsyncConnection, person_ids: Sequence[PersonId]
) -> dict[PersonId, str]:
    """Return the names of some people, also disabled ones; unknown ids are left out."""
    rows = await connection.execute(
        select(people.c.id, people.c.name).where(people.c.id.in_(person_ids))
    )
    return {PersonId(row.id): row.name for row in rows}


async def read_people(connection: AsyncConnection, person_ids: Sequence[PersonId]) -> list[Person]:
    """Return some people, also disabled ones; unknown ids are left out."""
    rows = await connection.execute(
        select(*PERSON_COLUMNS).where(people.c.id.in_(person_ids)).order_by(people.c.id)
    )
    return [read_person_row(row) for row in rows]


async def find_people_like(
    connection: AsyncConnection, text: str, *, with_emails: bool, limit: int = 1_000
) -> list[PersonId]:
    """Return the people whose name has a text in it, whatever its case.

    Args:
        connection: The connection to read with.
        text: A part of a name.
        with_emails: True to find people by their address too.
        limit: The most people that are returned.
    """
    is_found = people.c.name.icontains(text, autoescape=True)
    if with_emails:
        is_found |= people.c.email.icontains(text, autoescape=True)
    found = await connection.scalars(
        select(people.c.id).where(is_found).order_by(people.c.id).limit(limit)
    )
    return [PersonId(person_id) for person_id in found]


async def keep_enabled(
    connection: AsyncConnection, person_ids: Collection[PersonId]
) -> set[PersonId]:
    """Return those of some people who are not deactivated."""
    if not person_ids:
        return set()
    enabled = await connection.scalars(
        select(people.c.id).where(people.c.id.in_(person_ids), people.c.disabled_at.is_(None))
    )
    return {PersonId(person_id) for person_id in enabled}


async def find_secret(connection: AsyncConnection, email: str) -> PasswordSecret | None:
    """Return the hash for a sign-in with an address; None if nobody may sign in with it."""
    rows = await connection.execute(
        select(people.c.id, people.c.password_hash).where(
            people.c.email == email.strip().lower(), people.c.disabled_at.is_(None)
        )
    )
    row = rows.first()
    return None if row is None else PasswordSecret(PersonId(row.id), row.password_hash)


def read_person_row(row: Any) -> Person:
    """Turn a row that has `PERSON_COLUMNS` into a person."""
    return Person(
        id=PersonId(row.id),
        email=row.email,
        name=row.name,
        is_admin=row.is_admin,
        has_password=row.has_password,
        created_at=row.created_at,
        disabled_at=row.disabled_at,
        origin=PersonOrigin(row.origin),
        last_sign_in_at=row.last_sign_in_at,
    )
