"""The ways in: by password and by link; and the change of a password.

These are whole stories: each opens its own transactions, because an attempt must be counted and
committed before the password is looked at, and no connection is held while it is.
"""

from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from app.accounts import (
    attempts,
    failures,
    links,
    passwords,
    places,
    queries,
    sign_ins,
    writes,
)
from app.accounts.admission import Admission
from app.accounts.model import Person
from app.accounts.networks import network_of
from app.audit import writes as audit
from app.audit.model import Action, Detail
from app.core.errors import SignInFailed
from app.core.ids import PersonId
from app.db.engine import Database

# 16 checks take half a second. A connection of the pool belongs to each while it is counted, so
# they are fewer than those.
_ADMISSION: Final = Admission(most=16, most_of_network=6)


async def enter_with_password(
    database: Database,
    email: str,
    password: str,
    *,
    address: str,
    user_agent: str,
    replaced: str = "",
) -> str:
    """Sign in with an e-mail address and a password.

    Args:
        database: Where accounts are.
        email: As typed.
        password: As typed.
        address: Where the request comes from.
        user_agent: The browser, for the person's own list of sign-ins.
        replaced: Token that the browser holds from before; that sign-in ends.

    Returns:
        The token for the cookie.

    Raises:
        SignInFailed: One of the two is wrong; not said which.
        TooManyAttempts: Too many failures, or too many people who sign in at once.
    """
    with _ADMISSION.admit(network_of(address)):
        secret, verdict = await _check(database, email, password, address=address)
        if secret is None or not verdict.is_right:
            await _note_failure(database)
            raise SignInFailed("the address or the password is wrong")
        rehashed = await passwords.rehash(password) if verdict.is_outdated else None
    async with database.transaction() as connection:
        failed = await attempts.forgive(connection, email, address)
        if rehashed is not None:
            await writes.keep_rehash(connection, secret.person_id, rehashed)
        return await _let_in(
            connection,
            secret.person_id,
            {"by": "password", **({"failed_before": failed} if failed else {})},
            address=address,
            user_agent=user_agent,
            replaced=replaced,
        )


async def enter_with_link(
    database: Database, link_token: str, *, address: str, user_agent: str, replaced: str = ""
) -> str:
    """Sign in with a link, using it up; the sign-in of the token `replaced` ends.

    Returns:
        The token for the cookie.

    Raises:
        SignInFailed: The link is unknown, used or too old.
    """
    async with database.transaction() as connection:
        person_id = await links.use(connection, link_token)
        if person_id is None:
            raise SignInFailed("this sign-in link has been used or is too old; ask for a new one")
        return await _let_in(
            connection,
            person_id,
            {"by": "link"},
            address=address,
            user_agent=user_agent,
            replaced=replaced,
        )


async def change_password(
    database: Database,
    person: Person,
    *,
    current: str | None,
    new: str,
    address: str,
    user_agent: str,
    link_token: str | None = None,
) -> str:
    """Set a person's password and end all their sign-ins but the one that this begins.

    Args:
        database: Where accounts are.
        person: Who is signed in.
        current: Their password until now; None for those who have none yet.
        new: 12 characters or more.
        address: Where the request comes from.
        user_agent: The browser.
        link_token: A link they came by just now: it stands in for a forgotten password.

    Returns:
        The token of a new sign-in.

    Raises:
        InvalidInput: The new password is too short, too long, or easily guessed.
        SignInFailed: `current` is wrong.
        TooManyAttempts: Too many failures, or too many people who sign in at once.
    """
    passwords.need_good(new, email=person.email)
    with _ADMISSION.admit(network_of(address)):
        if person.has_password and not await _came_by_link(database, person, link_token):
            secret, verdict = await _check(database, person.email, current or "", address=address)
            if secret is None or not verdict.is_right:
                await _note_failure(database)
                raise SignInFailed("the current password is wrong")
        new_hash = await passwords.hash_new(new, email=person.email)
    async with database.transaction() as connection:
        await attempts.forgive(connection, person.email, address)
        await writes.set_password(connection, person.id, new_hash)
        await audit.add_line(connection, Action.PASSWORD_CHANGED, person_id=person.id)
        await places.remember(connection, person.id, address)
        return await sign_ins.start(connection, person.id, user_agent=user_agent)


async def leave(database: Database, person: Person, token: str) -> None:
    """Sign out on this device."""
    async with database.transaction() as connection:
        await sign_ins.end(connection, token)
        await audit.add_line(connection, Action.SIGN_OUT, person_id=person.id)


async def _came_by_link(database: Database, person: Person, link_token: str | None) -> bool:
    if not link_token:
        return False
    async with database.reading() as connection:
        return await links.is_fresh(connection, link_token, person.id)


async def _check(
    database: Database, email: str, password: str, *, address: str
) -> tuple[queries.Secret | None, passwords.Verdict]:
    async with database.transaction() as connection:
        await attempts.count_attempt(connection, email, address)
        secret = await queries.secret_of(connection, email)
    return secret, await passwords.check(secret.password_hash if secret else None, password)


async def _note_failure(database: Database) -> None:
    """Write down earlier failures; this one counts for a while and is written down afterwards."""
    async with database.transaction() as connection:
        await failures.write_failures(connection)


async def _let_in(
    connection: AsyncConnection,
    person_id: PersonId,
    detail: Detail,
    *,
    address: str,
    user_agent: str,
    replaced: str,
) -> str:
    if replaced:
        await sign_ins.end(connection, replaced)
    await audit.add_line(
        connection, Action.SIGN_IN, person_id=person_id, detail={**detail, "address": address}
    )
    await places.remember(connection, person_id, address)
    return await sign_ins.start(connection, person_id, user_agent=user_agent)
