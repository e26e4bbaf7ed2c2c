"""Keeps the addresses of tickets with replays; the caller commits.

They are deleted by the statement that hides their replay (`deletion/hiding.py`).
"""

from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.errors import NotFound
from app.core.ids import PersonId
from app.core.ticket_address import KeptTicket, TicketAddress
from app.db import kept_tickets
from app.replays import locks, queries as replays
from app.replays.model import ReplayKey
from app.replays.tables import replay_tickets


async def list_replay_tickets(connection: AsyncConnection, key: ReplayKey) -> list[KeptTicket]:
    """List the tickets of a replay, the oldest first."""
    return await kept_tickets.list_tickets(connection, replay_tickets, key._asdict())


async def add_replay_ticket(
    connection: AsyncConnection, key: ReplayKey, address: TicketAddress, *, person_id: PersonId
) -> bool:
    """Keep a ticket with a replay.

    Returns:
        True if it was added: False if the replay has it already, or has as many as it may.

    Raises:
        NotFound: There is no such replay, or it is being deleted.
    """
    # The lock makes this wait for a deletion under way, which then has left its mark.
    is_deleted = bool(await locks.lock_for_adding(connection, [key]))
    if is_deleted or await replays.find_replay(connection, key) is None:
        raise NotFound("no such replay")
    return await kept_tickets.insert_ticket(
        connection, replay_tickets, key._asdict(), address, person_id=person_id
    )


async def remove_replay_ticket(connection: AsyncConnection, key: ReplayKey, ticket_id: int) -> str:
    """Forget a ticket of a replay; the ticket itself stays in its tracker.

    Returns:
        Its label.

    Raises:
        NotFound: The replay has no such ticket.
    """
    label = await kept_tickets.delete_ticket(connection, replay_tickets, key._asdict(), ticket_id)
    if label is None:
        raise NotFound("this replay has no such ticket")
    return label
