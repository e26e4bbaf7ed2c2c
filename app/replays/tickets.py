"""Keeps the addresses of tickets with replays; the caller commits.

They are deleted by the statement that hides their replay (`hiding.py`).
"""

from sqlalchemy import delete, func, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.errors import NotFound
from app.core.ids import PersonId
from app.core.ticket_address import MOST_TICKETS, KeptTicket, TicketAddress
from app.replays import locks, queries as replays
from app.replays.model import ReplayKey
from app.replays.tables import replay_tickets


async def list_replay_tickets(connection: AsyncConnection, key: ReplayKey) -> list[KeptTicket]:
    """List the tickets of a replay, the oldest first."""
    rows = await connection.execute(
        select(replay_tickets)
        .where(
            replay_tickets.c.project_id == key.project_id,
            replay_tickets.c.replay_id == key.replay_id,
        )
        .order_by(replay_tickets.c.id)
        .limit(MOST_TICKETS)
    )
    return [
        KeptTicket(
            row.id,
            TicketAddress(row.url, row.label),
            None if row.added_by is None else PersonId(row.added_by),
            row.added_at,
        )
        for row in rows
    ]


async def add_replay_ticket(
    connection: AsyncConnection, key: ReplayKey, address: TicketAddress, *, person_id: PersonId
) -> bool:
    """Keep a ticket with a replay.

    Returns:
        Whether it was added: False if the replay has it already, or has as many as it may.

    Raises:
        NotFound: There is no such replay, or it is being deleted.
    """
    # The lock makes this wait for a deletion under way, which then has left its mark.
    is_deleted = bool(await locks.lock_for_adding(connection, [key]))
    if is_deleted or await replays.find_replay(connection, key) is None:
        raise NotFound("no such replay")
    of_replay = (
        replay_tickets.c.project_id == key.project_id,
        replay_tickets.c.replay_id == key.replay_id,
    )
    row = (
        await connection.execute(
            select(
                func.count().label("kept"),
                func.count().filter(replay_tickets.c.url == address.url).label("same"),
            ).where(*of_replay)
        )
    ).one()
    if row.same or row.kept >= MOST_TICKETS:
        return False
    await connection.execute(
        insert(replay_tickets).values(
            project_id=key.project_id,
            replay_id=key.replay_id,
            url=address.url,
            label=address.label,
            added_by=person_id,
        )
    )
    return True


async def remove_replay_ticket(connection: AsyncConnection, key: ReplayKey, ticket_id: int) -> str:
    """Forget a ticket of a replay; the ticket itself stays in its tracker.

    Returns:
        Its label.

    Raises:
        NotFound: The replay has no such ticket.
    """
    label = await connection.scalar(
        delete(replay_tickets)
        .where(
            replay_tickets.c.id == ticket_id,
            replay_tickets.c.project_id == key.project_id,
            replay_tickets.c.replay_id == key.replay_id,
        )
        .returning(replay_tickets.c.label)
    )
    if label is None:
        raise NotFound("this replay has no such ticket")
    return str(label)
