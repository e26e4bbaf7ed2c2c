"""Checks that a person is an admin of the server, and notes their actions in the audit log."""

from sqlalchemy.ext.asyncio import AsyncConnection

from app.accounts import queries as accounts
from app.accounts.model import Person
from app.audit import writes as audit
from app.audit.model import Action, ActionDetail
from app.core.errors import PermissionDenied
from app.core.ids import PersonId

COMMAND_LINE: ActionDetail = {"by": "command line"}


def require_server_admin(person: Person) -> None:
    """Make sure that a person is an admin of the server.

    Raises:
        PermissionDenied: They are not.
    """
    if not person.is_admin:
        raise PermissionDenied("this is for admins of this server")


async def find_person(connection: AsyncConnection, admin: Person, person_id: PersonId) -> Person:
    """Return the person that an admin of the server wants to change.

    Raises:
        PermissionDenied: Whoever asks is not an admin of the server.
        NotFound: There is no such person.
    """
    require_server_admin(admin)
    return await accounts.get_person(connection, person_id)


async def record_change(
    connection: AsyncConnection,
    admin: Person | None,
    action: Action,
    subject: Person,
    *,
    detail: ActionDetail | None = None,
) -> None:
    """Record that a person was changed, in the transaction that does it.

    Args:
        connection: The transaction of the caller.
        admin: The person who did it; None for a command on the server.
        action: The action.
        subject: The person whom it was done to.
        detail: A few facts about it.
    """
    await audit.add_audit_line(
        connection,
        action,
        person_id=admin.id if admin else None,
        subject=str(subject.id),
        detail={**(detail or {}), **({} if admin else COMMAND_LINE)},
    )


def require_other_person(admin: Person, person: Person, message: str) -> None:
    """Make sure that an admin does not do something to themselves.

    Raises:
        PermissionDenied: It is their own account; `message` says who can do it.
    """
    if admin.id == person.id:
        raise PermissionDenied(message)
