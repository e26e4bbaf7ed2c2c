"""Reads what a report page shows of tickets: those that are kept, and the project's trackers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncConnection

from app.accounts import queries as accounts
from app.core.ids import PersonId, ProjectId
from app.core.ticket_address import KeptTicket
from app.issues.model import IssueKey
from app.issues.tickets import list_issue_tickets
from app.projects.trackers import Tracker, list_trackers
from app.replays.model import ReplayKey
from app.replays.tickets import list_replay_tickets


@dataclass(frozen=True, slots=True)
class ReportTickets:
    """The tickets that are kept with an issue or a replay, and where new ones can be made."""

    kept: tuple[KeptTicket, ...]
    names: Mapping[PersonId, str]
    """The names of the people who added them."""
    trackers: tuple[Tracker, ...]


async def read_issue_tickets(connection: AsyncConnection, key: IssueKey) -> ReportTickets:
    """Read the tickets of an issue and the trackers of its project."""
    return await _add_trackers(connection, key[0], await list_issue_tickets(connection, key))


async def read_replay_tickets(connection: AsyncConnection, key: ReplayKey) -> ReportTickets:
    """Read the tickets of a replay and the trackers of its project."""
    kept = await list_replay_tickets(connection, key)
    return await _add_trackers(connection, key.project_id, kept)


async def _add_trackers(
    connection: AsyncConnection, project_id: ProjectId, kept: Sequence[KeptTicket]
) -> ReportTickets:
    people = {ticket.added_by for ticket in kept if ticket.added_by is not None}
    return ReportTickets(
        kept=tuple(kept),
        names=await accounts.read_person_names(connection, sorted(people)),
        trackers=tuple(await list_trackers(connection, project_id)),
    )
