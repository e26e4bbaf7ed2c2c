"""Links people to their accounts at a sign-in provider: one account belongs to one person."""

from dataclasses import dataclass

from sqlalchemy import delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from app.accounts.tables import identities
from app.core import clock
from app.core.ids import PersonId

_identities = identities.c


@dataclass(frozen=True, slots=True)
class Identity:
    """An account at a provider, and the person here that it belongs to."""

    issuer: str
    subject: str
    person_id: PersonId


async def find_identity(connection: AsyncConnection, issuer: str, subject: str) -> Identity | None:
    """Return the identity of an account at a provider; None if nobody here has it."""
    return await _find_identity(connection, issuer=issuer, subject=subject)


async def find_identity_of(
    connection: AsyncConnection, person_id: PersonId, issuer: str
) -> Identity | None:
    """Return the account that a person has at a provider; None if they have none."""
    return await _find_identity(connection, issuer=issuer, person_id=person_id)


async def add_identity(
    connection: AsyncConnection, person_id: PersonId, *, issuer: str, subject: str
) -> None:
    """Link a person with their account at a provider."""
    now = clock.now()
    await connection.execute(
        insert(identities).values(
            issuer=issuer, subject=subject, person_id=person_id, linked_at=now, last_at=now
        )
    )


async def delete_identities(connection: AsyncConnection, person_id: PersonId) -> int:
    """Unlink a person from all their accounts at providers; returns their number."""
    deleted = await connection.execute(delete(identities).where(_identities.person_id == person_id))
    return deleted.rowcount


async def note_identity(connection: AsyncConnection, identity: Identity) -> None:
    """Record that a person came by an identity."""
    await connection.execute(
        update(identities)
        .where(_identities.issuer == identity.issuer, _identities.subject == identity.subject)
        .values(last_at=clock.now())
    )


async def _find_identity(
    connection: AsyncConnection,
    *,
    issuer: str,
    subject: str | None = None,
    person_id: PersonId | None = None,
) -> Identity | None:
    query = select(_identities.issuer, _identities.subject, _identities.person_id).where(
        _identities.issuer == issuer
    )
    if subject is not None:
        query = query.where(_identities.subject == subject)
    if person_id is not None:
        query = query.where(_identities.person_id == person_id)
    row = (await connection.execute(query)).mappings().first()
    return None if row is None else Identity(**row)
