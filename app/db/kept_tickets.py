"""Rows of tickets, in whichever table keeps them: that of issues or that of replays.

A key names the issue or the replay by columns: `{"project_id": 7, "issue_id": "4f…"}`.
"""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import ColumnElement, Table, delete, func, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.ids import PersonId
from app.core.ticket_address import MOST_TICKETS, KeptTicket, TicketAddress


async def list_tickets(
    connection: AsyncConnection, table: Table, key: Mapping[str, Any]
) -> list[KeptTicket]:
    """List the tickets of a key, the oldest first."""
    rows = await connection.execute(
        select(table).where(*_match(table, key)).order_by(table.c.id).limit(MOST_TICKETS)
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


async def insert_ticket(
    connection: AsyncConnection,
    table: Table,
    key: Mapping[str, Any],
    address: TicketAddress,
    *,
    person_id: PersonId,
) -> bool:
    """Insert a ticket; the caller has locked the key, so that nobody adds to it meanwhile.

    Returns:
        True if it was added: False if the key has it already, or has as many as it may.
    """
    is_same = table.c.url == address.url
    counts = select(func.count().label("kept"), func.count().filter(is_same).label("same"))
    row = (await connection.execute(counts.where(*_match(table, key)))).one()
    if row.same or row.kept >= MOST_TICKETS:
        return False
    values = {"url": address.url, "label": address.label, "added_by": person_id}
    await connection.execute(insert(table).values({**key, **values}))
    return True


async def delete_ticket(
    connection: AsyncConnection, table: Table, key: Mapping[str, Any], ticket_id: int
) -> str | None:
    """Delete a ticket of a key; returns its label, or None if the key has no such ticket."""
    is_it = (table.c.id == ticket_id, *_match(table, key))
    label: str | None = await connection.scalar(
        delete(table).where(*is_it).returning(table.c.label)
    )
    return label


def _match(table: Table, key: Mapping[str, Any]) -> list[ColumnElement[bool]]:
    return [table.c[name] == value for name, value in key.items()]
