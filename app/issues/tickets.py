"""Keeps the addresses of tickets with issues; the caller commits.

They end with their issue (`erase.delete_issue_counts`), and go over to an issue that replaces it.
"""

from sqlalchemy import delete, func, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.errors import NotFound
from app.core.ids import PersonId
from app.core.ticket_address import MOST_TICKETS, KeptTicket, TicketAddress
from app.issues.model import IssueKey
from app.issues.tables import issue_tickets, issues


async def list_issue_tickets(connection: AsyncConnection, key: IssueKey) -> list[KeptTicket]:
    """List the tickets of an issue, the oldest first."""
    rows = await connection.execute(
        select(issue_tickets)
        .where(issue_tickets.c.project_id == key[0], issue_tickets.c.issue_id == key[1])
        .order_by(issue_tickets.c.id)
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


async def add_issue_ticket(
    connection: AsyncConnection, key: IssueKey, address: TicketAddress, *, person_id: PersonId
) -> bool:
    """Keep a ticket with an issue.

    Returns:
        Whether it was added: False if the issue has it already, or has as many as it may.

    Raises:
        NotFound: There is no such issue.
    """
    # The row of the issue is locked, so that it is not deleted, and tickets are counted, meanwhile.
    is_issue = (issues.c.project_id == key[0], issues.c.issue_id == key[1])
    if await connection.scalar(select(issues.c.kind).where(*is_issue).with_for_update()) is None:
        raise NotFound("there is no such issue in this project")
    of_issue = (issue_tickets.c.project_id == key[0], issue_tickets.c.issue_id == key[1])
    row = (
        await connection.execute(
            select(
                func.count().label("kept"),
                func.count().filter(issue_tickets.c.url == address.url).label("same"),
            ).where(*of_issue)
        )
    ).one()
    if row.same or row.kept >= MOST_TICKETS:
        return False
    await connection.execute(
        insert(issue_tickets).values(
            project_id=key[0],
            issue_id=key[1],
            url=address.url,
            label=address.label,
            added_by=person_id,
        )
    )
    return True


async def remove_issue_ticket(connection: AsyncConnection, key: IssueKey, ticket_id: int) -> str:
    """Forget a ticket of an issue; the ticket itself stays in its tracker.

    Returns:
        Its label.

    Raises:
        NotFound: The issue has no such ticket.
    """
    label = await connection.scalar(
        delete(issue_tickets)
        .where(
            issue_tickets.c.id == ticket_id,
            issue_tickets.c.project_id == key[0],
            issue_tickets.c.issue_id == key[1],
        )
        .returning(issue_tickets.c.label)
    )
    if label is None:
        raise NotFound("this issue has no such ticket")
    return str(label)
