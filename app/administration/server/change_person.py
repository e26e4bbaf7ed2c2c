"""Changes what a person may do on the server, and ends their sign-ins."""

from app.accounts import sign_ins, writes as accounts
from app.accounts.model import Person, PersonOrigin
from app.administration.server.server_admin import (
    find_person,
    record_change,
    require_other_person,
)
from app.audit.model import Action
from app.core.errors import InvalidInput, NotFound
from app.core.ids import PersonId
from app.db.engine import Database


async def deactivate_person(database: Database, admin: Person, person_id: PersonId) -> None:
    """Lock a person out: their sign-ins and links end at once; what they did stays recorded.

    Raises:
        PermissionDenied: Whoever asks is not an admin of the server, or it is their own account.
        InvalidInput: The server would have no local admin left.
        NotFound: There is no such person.
    """
    async with database.transaction() as connection:
        person = await find_person(connection, admin, person_id)
        require_other_person(
            admin, person, "you cannot deactivate your own account; another admin can"
        )
        await accounts.disable_person(connection, person.id)
        await record_change(connection, admin, Action.PERSON_DISABLED, person)


async def reactivate_person(database: Database, admin: Person, person_id: PersonId) -> None:
    """Let a deactivated person sign in again, with the roles that they had.

    Raises:
        PermissionDenied: Whoever asks is not an admin of the server.
        NotFound: There is no such person.
    """
    async with database.transaction() as connection:
        person = await find_person(connection, admin, person_id)
        await accounts.enable_person(connection, person.id)
        await record_change(connection, admin, Action.PERSON_ENABLED, person)


async def set_server_admin(
    database: Database,
    admin: Person,
    person_id: PersonId,
    *,
    is_admin: bool,
    do_groups_decide: bool = False,
) -> None:
    """Make a person an admin of the server, or take that right away.

    Args:
        database: The database with the accounts.
        admin: Whoever asks.
        person_id: The person.
        is_admin: True if they are an admin from now on.
        do_groups_decide: True if groups of a sign-in provider say which of its people are admins.

    Raises:
        PermissionDenied: Whoever asks is not an admin of the server, or it is their own account.
        InvalidInput: The server would have no local admin left, the person is deactivated, or
            groups decide.
        NotFound: There is no such person.
    """
    async with database.transaction() as connection:
        person = await find_person(connection, admin, person_id)
        require_other_person(admin, person, "you cannot change your own rights; another admin can")
        if do_groups_decide and person.origin is not PersonOrigin.LOCAL:
            raise InvalidInput(
                "the groups of your sign-in provider decide about this person's rights; "
                "change them there"
            )
        if is_admin and person.disabled_at is not None:
            raise InvalidInput(f"{person.email} is deactivated; reactivate them first")
        await accounts.set_admin(connection, person.id, is_admin=is_admin)
        await record_change(
            connection, admin, Action.PERSON_CHANGED, person, detail={"server_admin": is_admin}
        )


async def end_sign_in(database: Database, admin: Person, person_id: PersonId, handle: str) -> None:
    """End one sign-in of a person.

    Raises:
        PermissionDenied: Whoever asks is not an admin of the server.
        NotFound: There is no such person or sign-in.
    """
    async with database.transaction() as connection:
        person = await find_person(connection, admin, person_id)
        if not await sign_ins.end_sign_in_by_handle(connection, person.id, handle):
            raise NotFound("no such sign-in")
        await record_change(connection, admin, Action.SIGN_IN_ENDED, person)


async def end_all_sign_ins(database: Database, admin: Person, person_id: PersonId) -> int:
    """End every sign-in of a person, who may sign in again; returns their number.

    Raises:
        PermissionDenied: Whoever asks is not an admin of the server.
        NotFound: There is no such person.
    """
    async with database.transaction() as connection:
        person = await find_person(connection, admin, person_id)
        ended = await sign_ins.end_sign_ins(connection, person.id)
        if ended:
            await record_change(
                connection, admin, Action.SIGN_IN_ENDED, person, detail={"sign_ins": ended}
            )
    return ended
