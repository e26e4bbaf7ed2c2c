"""Mails people the links that let them in: for a first visit or a forgotten password.

The mail is written by whoever sends it (`alerts/delivery`), and the link is made then: so it is
stored nowhere but as a hash, and a mail that waits holds nothing that lets anybody in.
"""

import secrets
from collections import OrderedDict
from datetime import timedelta
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from app.accounts import queries as accounts
from app.accounts.model import Person, PersonOrigin
from app.accounts.networks import network_of
from app.administration.server.server_admin import find_person, record_change
from app.administration.server.sign_in_links import DAYS, RESET_DAYS
from app.audit import writes as audit
from app.audit.model import Action
from app.core import clock
from app.core.errors import InvalidInput, TooManyAttempts
from app.core.ids import PersonId, ProjectId
from app.db.engine import Database
from app.messages import outbox
from app.messages.model import MessageKind, NewMessage

_HOUR: Final = timedelta(hours=1)
_DAY: Final = timedelta(days=1)
_LINKS_PER_HOUR: Final = 3
"""Mails with a link that one person gets in an hour because somebody asked for a new password."""
_INVITATIONS_PER_DAY: Final = 100
"""Mails that the admins of one project can have sent to addresses of their choice."""
_REQUESTS: Final = 10
_REQUESTS_WITHIN_S: Final = 900.0
_MOST_NETWORKS: Final = 10_000


class ResetLimiter:
    """Limits how often one network asks for new passwords; each process counts for itself."""

    def __init__(self) -> None:
        self._asked: OrderedDict[str, list[float]] = OrderedDict()

    def count_request(self, address: str) -> None:
        """Count a request.

        Raises:
            TooManyAttempts: The network of the address has asked too often.
        """
        network, now_s = network_of(address), clock.monotonic_s()
        times = [at_s for at_s in self._asked.pop(network, []) if at_s > now_s - _REQUESTS_WITHIN_S]
        self._asked[network] = times
        if len(times) >= _REQUESTS:
            wait_s = max(1, round(times[0] + _REQUESTS_WITHIN_S - now_s))
            raise TooManyAttempts("too many requests; try again in some minutes", wait_s=wait_s)
        times.append(now_s)
        while len(self._asked) > _MOST_NETWORKS:
            self._asked.popitem(last=False)


async def mail_link(database: Database, admin: Person, person_id: PersonId, *, days: int) -> Person:
    """Mail a person a link with which they sign in and choose a password.

    Raises:
        PermissionDenied: Whoever asks is not an admin of the server.
        NotFound: There is no such person.
        InvalidInput: The person is deactivated or signs in elsewhere, or the days are too many.
    """
    async with database.transaction() as connection:
        person = await find_person(connection, admin, person_id)
        await add_link_mail(connection, admin, person, days=days)
    return person


async def add_link_mail(
    connection: AsyncConnection, admin: Person | None, person: Person, *, days: int
) -> None:
    """Put the mail with a link into the outbox, and record it.

    Args:
        connection: The transaction of the caller.
        admin: The person who has it sent; None if the person has asked for it.
        person: The person who gets it.
        days: The days for which the link works, one of `DAYS`.

    Raises:
        InvalidInput: The person is deactivated or signs in elsewhere, or the days are too many.
    """
    if days not in DAYS:
        raise InvalidInput(f"a link works for {', '.join(map(str, DAYS[:-1]))} or {DAYS[-1]} days")
    if person.disabled_at is not None:
        raise InvalidInput(f"{person.email} is deactivated, so a link would not let them in")
    if person.origin is not PersonOrigin.LOCAL:
        raise InvalidInput(f"{person.email} signs in through your sign-in provider, not by link")
    is_invitation = person.last_sign_in_at is None
    kind = MessageKind.INVITATION if is_invitation and admin else MessageKind.PASSWORD
    what = "Invitation" if kind is MessageKind.INVITATION else "New password"
    message = NewMessage(
        kind,
        f"{what} for {person.email}",
        {"by": admin.name if admin else "", "days": days, "is_own_wish": admin is None},
        secrets.token_hex(16),
        person_id=person.id,
    )
    await outbox.add_messages(connection, [message])
    detail = {"for": "invitation" if is_invitation else "new password", "days": days, "by": "mail"}
    if admin is not None:
        await record_change(connection, admin, Action.LINK_MADE, person, detail=detail)
    else:
        await audit.add_audit_line(
            connection,
            Action.LINK_MADE,
            person_id=person.id,
            project_id=None,
            subject=str(person.id),
            detail=detail,
        )


async def request_new_password(database: Database, email: str) -> None:
    """Mail a link to whoever has an address, if anybody may use one.

    The caller tells nobody whether somebody does: the page says the same either way, and does not
    wait for this.
    """
    async with database.transaction() as connection:
        person = await accounts.find_person(connection, email)
        if person is None or person.disabled_at is not None:
            return
        if person.origin is not PersonOrigin.LOCAL:
            return
        # One request after the other, so that each sees what those before have sent.
        await outbox.lock_receiver(connection, f"new password {person.id}")
        sent = await outbox.count_recent(
            connection, MessageKind.PASSWORD, since=clock.now() - _HOUR, person_id=person.id
        )
        if sent < _LINKS_PER_HOUR:
            await add_link_mail(connection, None, person, days=RESET_DAYS)


async def add_project_invitation_mail(
    connection: AsyncConnection,
    inviter: Person,
    project_id: ProjectId,
    project_name: str,
    email: str,
) -> bool:
    """Tell an address of its invitation to a project; returns False if too many were sent today.

    The mail is the same whether the address has an account or not.
    """
    sent = await outbox.count_recent(
        connection,
        MessageKind.PROJECT_INVITATION,
        since=clock.now() - _DAY,
        project_id=project_id,
    )
    if sent >= _INVITATIONS_PER_DAY:
        return False
    message = NewMessage(
        MessageKind.PROJECT_INVITATION,
        f"Invitation for {email}",
        {"by": inviter.name, "project": project_name},
        secrets.token_hex(16),
        project_id=project_id,
        address=email,
    )
    await outbox.add_messages(connection, [message])
    return True
