"""Writes of people; the caller commits.

A write that takes rights from a person also ends their sign-ins, in the same transaction.
"""

from typing import Any, Final

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from app.accounts import known_networks, links, sign_ins
from app.accounts.model import Person, PersonOrigin
from app.accounts.queries import PERSON_COLUMNS, read_person_row
from app.accounts.tables import people
from app.core import clock, log
from app.core.errors import InvalidInput, NotFound
from app.core.ids import PersonId
from app.db import text

_LONGEST_EMAIL_CHARS: Final = 254
_NAME_BYTES: Final = 200


async def add_person(
    connection: AsyncConnection,
    email: str,
    *,
    name: str = "",
    is_admin: bool = False,
    origin: PersonOrigin = PersonOrigin.LOCAL,
) -> Person:
    """Add a person, who has no password yet: a sign-in link lets them in.

    Args:
        connection: The transaction of the caller.
        email: The address of the person; capitals do not matter.
        name: The name that others see; the part before the `@` if left out.
        is_admin: True if they are an admin of the server.
        origin: The origin of the account.

    Raises:
        InvalidInput: It is not an e-mail address, or somebody has it already.
    """
    address = read_email(email)
    added = await connection.execute(
        upsert(people)
        .values(
            email=address,
            name=text.clean(name.strip(), limit_bytes=_NAME_BYTES) or address.partition("@")[0],
            is_admin=is_admin,
            origin=origin,
        )
        .on_conflict_do_nothing(index_elements=[people.c.email])
        .returning(*PERSON_COLUMNS)
    )
    row = added.first()
    if row is None:
        raise InvalidInput(f"somebody already has the address {log.shown(address)}")
    return read_person_row(row)


async def set_password(
    connection: AsyncConnection, person_id: PersonId, password_hash: str
) -> None:
    """Store the hash of a new password, and end every sign-in and link of the person.

    Networks from which they have signed in are new to the account again.

    Raises:
        NotFound: There is no such person.
    """
    await _update_person(connection, person_id, password_hash=password_hash)
    await _end_all_access(connection, person_id)


async def replace_password_hash(
    connection: AsyncConnection, person_id: PersonId, password_hash: str
) -> None:
    """Store a stronger hash of the same password; sign-ins go on."""
    await _update_person(connection, person_id, password_hash=password_hash)


async def rename_person(connection: AsyncConnection, person_id: PersonId, name: str) -> None:
    """Change what others see of a person.

    Raises:
        InvalidInput: The name is empty.
        NotFound: There is no such person.
    """
    cleaned = text.clean(name.strip(), limit_bytes=_NAME_BYTES)
    if not cleaned:
        raise InvalidInput("a name needs at least one character")
    await _update_person(connection, person_id, name=cleaned)


async def set_admin(connection: AsyncConnection, person_id: PersonId, *, is_admin: bool) -> None:
    """Make a person an admin of the server, or take that right away.

    Raises:
        InvalidInput: The server would have no local admin left.
        NotFound: There is no such person.
    """
    if not is_admin:
        await _require_another_local_admin(connection, person_id)
    await _update_person(connection, person_id, is_admin=is_admin)


async def set_origin(
    connection: AsyncConnection, person_id: PersonId, origin: PersonOrigin
) -> None:
    """Change who decides about the rights of a person.

    Raises:
        NotFound: There is no such person.
    """
    await _update_person(connection, person_id, origin=origin)


async def disable_person(connection: AsyncConnection, person_id: PersonId) -> None:
    """Disable a person: all their sign-ins and links end. What they did stays recorded.

    Raises:
        InvalidInput: The server would have no local admin left.
        NotFound: There is no such person.
    """
    await _require_another_local_admin(connection, person_id)
    await _update_person(connection, person_id, disabled_at=clock.now())
    await _end_all_access(connection, person_id)


async def enable_person(connection: AsyncConnection, person_id: PersonId) -> None:
    """Let a disabled person sign in again.

    Raises:
        NotFound: There is no such person.
    """
    await _update_person(connection, person_id, disabled_at=None)


async def delete_ended_access(connection: AsyncConnection) -> int:
    """Delete expired sign-ins, links and known networks; returns the number of rows."""
    ended = await sign_ins.delete_ended_sign_ins(connection)
    return (
        ended
        + await links.delete_old_links(connection)
        + await known_networks.delete_old_networks(connection)
    )


def read_email(email: str) -> str:
    """Return an address as it is stored: without blanks around it, in lower case.

    Raises:
        InvalidInput: It is not an e-mail address.
    """
    address = email.strip().lower()
    name, at, host = address.rpartition("@")
    is_address = bool(name and at and host) and address.isprintable() and " " not in address
    if not is_address or len(address) > _LONGEST_EMAIL_CHARS:
        raise InvalidInput(f"{log.shown(email)!r} is not an e-mail address")
    return address


async def _update_person(connection: AsyncConnection, person_id: PersonId, **values: Any) -> None:
    updated = await connection.execute(
        update(people).where(people.c.id == person_id).values(**values)
    )
    if not updated.rowcount:
        raise NotFound(f"no person {person_id}")


async def _require_another_local_admin(connection: AsyncConnection, leaving: PersonId) -> None:
    """Make sure that somebody besides `leaving` can administer the server, if they can.

    An admin from an sign-in provider does not count: when the provider is down or set up wrongly,
    nobody of them gets in. The rows of all admins are locked in one order, so two admins cannot
    deactivate each other at once.
    """
    local_admins = set(
        await connection.scalars(
            select(people.c.id)
            .where(
                people.c.is_admin,
                people.c.disabled_at.is_(None),
                people.c.origin == PersonOrigin.LOCAL,
            )
            .order_by(people.c.id)
            .with_for_update()
        )
    )
    if local_admins == {leaving}:
        raise InvalidInput("a server keeps at least one local admin; make somebody else one first")


async def _end_all_access(connection: AsyncConnection, person_id: PersonId) -> None:
    await sign_ins.end_sign_ins(connection, person_id)
    await links.withdraw_links(connection, person_id)
    await known_networks.forget_networks(connection, person_id)
