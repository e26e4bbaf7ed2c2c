"""The networks from which a person has signed in: strangers cannot use up the attempts there."""

from datetime import timedelta
from typing import Final

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from app.accounts.networks import network_of
from app.accounts.tables import people, sign_in_places
from app.core import clock
from app.core.ids import PersonId

KNOWN_FOR: Final = timedelta(days=90)
"""The time for which a network is known after the last sign-in from there."""


async def remember_network(connection: AsyncConnection, person_id: PersonId, address: str) -> None:
    """Record that a person has signed in from an address."""
    await connection.execute(
        upsert(sign_in_places)
        .values(person_id=person_id, network=network_of(address), last_at=clock.now())
        .on_conflict_do_update(
            index_elements=[sign_in_places.c.person_id, sign_in_places.c.network],
            set_={"last_at": clock.now()},
        )
    )


async def is_network_known(connection: AsyncConnection, email: str, network: str) -> bool:
    """Tell whether the person with this address has signed in from a network."""
    matching = (
        select(sign_in_places.c.person_id)
        .join(people, people.c.id == sign_in_places.c.person_id)
        .where(
            people.c.email == email,
            sign_in_places.c.network == network,
            sign_in_places.c.last_at > clock.now() - KNOWN_FOR,
        )
    )
    return await connection.scalar(matching) is not None


async def forget_networks(connection: AsyncConnection, person_id: PersonId) -> None:
    """Make every network new to a person's account again."""
    await connection.execute(delete(sign_in_places).where(sign_in_places.c.person_id == person_id))


async def delete_old_networks(connection: AsyncConnection) -> int:
    """Delete networks from which nobody has signed in for 90 days; returns how many."""
    deleted = await connection.execute(
        delete(sign_in_places).where(sign_in_places.c.last_at <= clock.now() - KNOWN_FOR)
    )
    return deleted.rowcount
