"""Makes and withdraws the links that let people in: for a first visit or a forgotten password.

A person has one link that works at most: a new one replaces it. The link is shown to whoever makes
it, once, and its hash is all that is kept.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from app.accounts import links
from app.accounts.model import Person, PersonOrigin
from app.administration.server.server_admin import find_person, record_change
from app.audit.model import Action
from app.core import clock
from app.core.errors import InvalidInput
from app.core.ids import PersonId
from app.db.engine import Database

DAYS: Final = (1, 3, 7, 30)
"""The days for which a link may work."""
RESET_DAYS: Final = 1
INVITATION_DAYS: Final = 7


@dataclass(frozen=True, slots=True)
class OneTimeLink:
    """A link that was made just now, for the one time that it is shown."""

    person: Person
    token: str
    expires_at: datetime


async def make_link(
    database: Database, admin: Person, person_id: PersonId, *, days: int
) -> OneTimeLink:
    """Make a link for a person, with which they sign in and choose a password.

    Raises:
        PermissionDenied: Whoever asks is not an admin of the server.
        NotFound: There is no such person.
        InvalidInput: The person is deactivated or signs in elsewhere, or the days are too many.
    """
    async with database.transaction() as connection:
        person = await find_person(connection, admin, person_id)
        return await replace_link(connection, admin, person, days=days)


async def withdraw_link(database: Database, admin: Person, person_id: PersonId) -> bool:
    """Withdraw the link of a person that still works; returns whether there was one.

    Raises:
        PermissionDenied: Whoever asks is not an admin of the server.
        NotFound: There is no such person.
    """
    async with database.transaction() as connection:
        person = await find_person(connection, admin, person_id)
        withdrawn = await links.withdraw_unused_links(connection, person.id)
        if withdrawn:
            await record_change(connection, admin, Action.LINK_WITHDRAWN, person)
    return bool(withdrawn)


async def replace_link(
    connection: AsyncConnection, admin: Person | None, person: Person, *, days: int
) -> OneTimeLink:
    """Make a link for a person instead of one that they have not used yet, and record it.

    Args:
        connection: The transaction of the caller.
        admin: The person who makes it; None for a command on the server.
        person: The person whom it signs in.
        days: The days until it expires, one of `DAYS`.

    Raises:
        InvalidInput: The person is deactivated or signs in elsewhere, or the days are too many.
    """
    if days not in DAYS:
        raise InvalidInput(f"a link works for {', '.join(map(str, DAYS[:-1]))} or {DAYS[-1]} days")
    if person.disabled_at is not None:
        raise InvalidInput(f"{person.email} is deactivated, so a link would not let them in")
    if person.origin is not PersonOrigin.LOCAL:
        raise InvalidInput(f"{person.email} signs in through your sign-in provider, not by link")
    await links.withdraw_unused_links(connection, person.id)
    good_for = timedelta(days=days)
    token = await links.make_sign_in_link(connection, person.id, good_for=good_for)
    is_invitation = person.last_sign_in_at is None
    await record_change(
        connection,
        admin,
        Action.LINK_MADE,
        person,
        detail={"for": "invitation" if is_invitation else "new password", "days": days},
    )
    return OneTimeLink(person, token, clock.now() + good_for)
