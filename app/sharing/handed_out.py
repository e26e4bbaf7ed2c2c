"""Lists the clips, shares and tickets of a replay, so that people can revoke or delete them."""

from collections.abc import Mapping
from dataclasses import dataclass

from app.accounts import queries as accounts
from app.core.ids import PersonId
from app.core.ticket_address import KeptTicket
from app.db.engine import Database
from app.replays.clips import queries as clips
from app.replays.clips.model import Clip
from app.replays.model import ReplayKey
from app.replays.sharing import queries as shares
from app.replays.sharing.model import Share
from app.replays.tickets import list_replay_tickets


@dataclass(frozen=True, slots=True)
class HandedOut:
    """The clips, shares and tickets of a replay, with the names of the people who made them."""

    clips: tuple[Clip, ...]
    """Newest first, also those that are not ready."""
    shares: tuple[Share, ...]
    """Links and pictures in messages: open ones first, then the newest first."""
    names: Mapping[PersonId, str]
    tickets: tuple[KeptTicket, ...] = ()
    """Tickets in a tracker that are about it."""


async def read_handed_out(database: Database, key: ReplayKey) -> HandedOut:
    """Read the clips, shares and tickets of a replay; the caller has checked who may see them."""
    async with database.reading() as connection:
        made = await clips.list_clips(connection, key)
        shared = await shares.list_shares_of_replay(connection, key)
        tickets = await list_replay_tickets(connection, key)
        people = {clip.made_by for clip in made} | {share.made_by for share in shared}
        people |= {ticket.added_by for ticket in tickets}
        names = await accounts.read_person_names(
            connection, [person_id for person_id in people if person_id is not None]
        )
    return HandedOut(tuple(made), tuple(shared), names, tuple(tickets))
