"""Keeps the addresses of tickets with an issue or a replay, and writes into the log who did."""

from app.audit import writes as audit
from app.audit.model import Action
from app.core.errors import InvalidInput
from app.core.ids import PersonId
from app.core.ticket_address import MOST_TICKETS, read_ticket_address
from app.db.engine import Database
from app.issues import tickets as issue_tickets
from app.issues.model import IssueKey
from app.replays import tickets as replay_tickets
from app.replays.model import ReplayKey


async def keep_issue_ticket(
    database: Database, key: IssueKey, text: str, *, person_id: PersonId
) -> None:
    """Keep the address of a ticket with an issue.

    Raises:
        InvalidInput: The text is no address, it is kept already, or there are too many.
        NotFound: There is no such issue.
    """
    address = read_ticket_address(text)
    async with database.transaction() as connection:
        is_added = await issue_tickets.add_issue_ticket(
            connection, key, address, person_id=person_id
        )
        _check_added(is_added=is_added)
        await audit.add_audit_line(
            connection,
            Action.TICKET_ADDED,
            person_id=person_id,
            project_id=key[0],
            subject=key[1],
            detail={"ticket": address.label},
        )


async def forget_issue_ticket(
    database: Database, key: IssueKey, ticket_id: int, *, person_id: PersonId
) -> None:
    """Forget the address of a ticket of an issue; the ticket stays in its tracker.

    Raises:
        NotFound: The issue has no such ticket.
    """
    async with database.transaction() as connection:
        label = await issue_tickets.remove_issue_ticket(connection, key, ticket_id)
        await audit.add_audit_line(
            connection,
            Action.TICKET_REMOVED,
            person_id=person_id,
            project_id=key[0],
            subject=key[1],
            detail={"ticket": label},
        )


async def keep_replay_ticket(
    database: Database, key: ReplayKey, text: str, *, person_id: PersonId
) -> None:
    """Keep the address of a ticket with a replay.

    Raises:
        InvalidInput: The text is no address, it is kept already, or there are too many.
        NotFound: There is no such replay, or it is being deleted.
    """
    address = read_ticket_address(text)
    async with database.transaction() as connection:
        is_added = await replay_tickets.add_replay_ticket(
            connection, key, address, person_id=person_id
        )
        _check_added(is_added=is_added)
        await audit.add_audit_line(
            connection,
            Action.TICKET_ADDED,
            person_id=person_id,
            project_id=key.project_id,
            subject=key.replay_id,
            detail={"ticket": address.label},
        )


async def forget_replay_ticket(
    database: Database, key: ReplayKey, ticket_id: int, *, person_id: PersonId
) -> None:
    """Forget the address of a ticket of a replay; the ticket stays in its tracker.

    Raises:
        NotFound: The replay has no such ticket.
    """
    async with database.transaction() as connection:
        label = await replay_tickets.remove_replay_ticket(connection, key, ticket_id)
        await audit.add_audit_line(
            connection,
            Action.TICKET_REMOVED,
            person_id=person_id,
            project_id=key.project_id,
            subject=key.replay_id,
            detail={"ticket": label},
        )


def _check_added(*, is_added: bool) -> None:
    if not is_added:
        raise InvalidInput(
            f"this ticket is kept here already, or the limit of {MOST_TICKETS} tickets is reached"
        )
