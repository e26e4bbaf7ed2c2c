"""Keeps the addresses of tickets with issues; the caller commits.

They end with their issue (`erase.delete_issue_counts`), and go over to an issue that replaces it.
"""

from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.errors import NotFound
from app.core.ids import PersonId
from app.core.ticket_address import KeptTicket, TicketAddress
from app.db import kept_tickets
from app.issues.model import IssueKey
from app.issues.tables import issue_tickets, issues


async def list_issue_tickets(connection: AsyncConnection, key: IssueKey) -> list[KeptTicket]:
    """List the tickets of an issue, the oldest first."""
    return await kept_tickets.list_tickets(connection, issue_tickets, _name_columns(key))


async def add_issue_ticket(
    connection: AsyncConnection, key: IssueKey, address: TicketAddress, *, person_id: PersonId
) -> bool:
    """Keep a ticket with an issue.

    Returns:
        True if it was added: False if the issue has it already, or has as many as it may.

    Raises:
        NotFound: There is no such issue.
    """
    # The row of the issue is locked, so that it is not deleted, and tickets are counted, meanwhile.
    is_issue = (issues.c.project_id == key[0], issues.c.issue_id == key[1])
    if await connection.scalar(select(issues.c.kind).where(*is_issue).with_for_update()) is None:
        raise NotFound("there is no such issue in this project")
    return await kept_tickets.insert_ticket(
        connection, issue_tickets, _name_columns(key), address, person_id=person_id
    )


async def remove_issue_ticket(connection: AsyncConnection, key: IssueKey, ticket_id: int) -> str:
    """Forget a ticket of an issue; the ticket itself stays in its tracker.

    Returns:
        Its label.

    Raises:
        NotFound: The issue has no such ticket.
    """
    label = await kept_tickets.delete_ticket(
        connection, issue_tickets, _name_columns(key), ticket_id
    )
    if label is None:
        raise NotFound("this issue has no such ticket")
    return label


def _name_columns(key: IssueKey) -> dict[str, Any]:
    return {"project_id": key[0], "issue_id": key[1]}
