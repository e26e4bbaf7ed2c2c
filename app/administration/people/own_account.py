"""Reads and changes a person's own account."""

from app.accounts import sign_ins, writes as accounts
from app.accounts.model import Person, SignIn
from app.audit import writes as audit
from app.audit.model import Action
from app.core.errors import NotFound
from app.db.engine import Database


async def list_sign_ins(database: Database, person: Person) -> list[SignIn]:
    """Return where a person is signed in, the sign-in that was used last first."""
    async with database.reading() as connection:
        return await sign_ins.list_sign_ins(connection, person.id)


async def rename_person(database: Database, person: Person, name: str) -> None:
    """Change what others see of a person.

    Raises:
        InvalidInput: The name is empty.
    """
    async with database.transaction() as connection:
        await accounts.rename_person(connection, person.id, name)
        await audit.add_audit_line(connection, Action.PERSON_CHANGED, person_id=person.id)


async def end_sign_in(database: Database, person: Person, handle: str) -> None:
    """End one of a person's sign-ins.

    Raises:
        NotFound: The person has no such sign-in.
    """
    async with database.transaction() as connection:
        if not await sign_ins.end_sign_in_by_handle(connection, person.id, handle):
            raise NotFound("no such sign-in")
        await audit.add_audit_line(connection, Action.SIGN_IN_ENDED, person_id=person.id)


async def end_other_sign_ins(database: Database, person: Person, token: str) -> int:
    """End every sign-in of a person but the one of a token; returns their number."""
    async with database.transaction() as connection:
        ended = await sign_ins.end_other_sign_ins(connection, person.id, token)
        if ended:
            await audit.add_audit_line(
                connection, Action.SIGN_IN_ENDED, person_id=person.id, detail={"sign_ins": ended}
            )
    return ended
