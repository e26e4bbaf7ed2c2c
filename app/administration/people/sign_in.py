"""The ways in and out: by password, by sign-in link, and signing out."""

from sqlalchemy.ext.asyncio import AsyncConnection

from app.accounts import (
    attempts,
    known_networks,
    links,
    passwords,
    queries as accounts,
    sign_ins,
    writes as account_writes,
)
from app.accounts.links import SignInLink
from app.accounts.networks import network_of
from app.administration.people.check_password import PASSWORD_ADMISSION, check_password
from app.administration.people.sign_in_provider import SignInProvider, require_password_use
from app.audit import writes as audit
from app.audit.model import Action, ActionDetail
from app.core.errors import SignInFailed
from app.core.ids import PersonId
from app.db.engine import Database


async def sign_in_with_password(
    database: Database,
    email: str,
    password: str,
    *,
    address: str,
    user_agent: str,
    replaced_token: str = "",
    provider: SignInProvider | None = None,
) -> str:
    """Sign in with an e-mail address and a password.

    Args:
        database: The database with the accounts.
        email: The address, as typed.
        password: The password, as typed.
        address: The IP address of the client.
        user_agent: The browser, for the person's own list of sign-ins.
        replaced_token: The token that the browser holds from before; its sign-in ends.
        provider: The sign-in provider that is set up beside passwords, if any.

    Returns:
        The token for the cookie.

    Raises:
        SignInFailed: The address or the password is wrong; it does not say which. Or it is right,
            and the person must sign in at the provider.
        TooManyAttempts: Too many attempts failed, or too many people are signing in at once.
    """
    with PASSWORD_ADMISSION.admit(network_of(address)):
        secret, verdict = await check_password(
            database,
            email,
            password,
            address=address,
            refusal="the address or the password is wrong",
        )
        stronger_hash = await passwords.hash_password(password) if verdict.is_outdated else None
    async with database.transaction() as connection:
        failed_before = await attempts.forgive_attempts(connection, email, address)
        if stronger_hash is not None:
            await account_writes.replace_password_hash(connection, secret.person_id, stronger_hash)
        require_password_use(await accounts.get_person(connection, secret.person_id), provider)
        detail: ActionDetail = {"by": "password"}
        if failed_before:
            detail = {**detail, "failed_before": failed_before}
        return await start_sign_in(
            connection,
            secret.person_id,
            detail,
            address=address,
            user_agent=user_agent,
            replaced_token=replaced_token,
        )


async def find_sign_in_link(database: Database, link_token: str) -> SignInLink | None:
    """Return whom a link would sign in, without using it up; None if it would sign nobody in."""
    async with database.reading() as connection:
        return await links.find_sign_in_link(connection, link_token)


async def sign_in_with_link(
    database: Database,
    link_token: str,
    *,
    address: str,
    user_agent: str,
    replaced_token: str = "",
    provider: SignInProvider | None = None,
) -> str:
    """Sign in with a link and use it up; the sign-in of `replaced_token` ends.

    Returns:
        The token for the cookie.

    Raises:
        SignInFailed: The link is unknown, used or too old, or the person must sign in at the
            provider; then it is not used up.
    """
    async with database.transaction() as connection:
        person_id = await links.use_sign_in_link(connection, link_token)
        if person_id is None:
            raise SignInFailed("this sign-in link has been used or is too old; ask for a new one")
        require_password_use(await accounts.get_person(connection, person_id), provider)
        return await start_sign_in(
            connection,
            person_id,
            {"by": "link"},
            address=address,
            user_agent=user_agent,
            replaced_token=replaced_token,
        )


async def start_sign_in(
    connection: AsyncConnection,
    person_id: PersonId,
    detail: ActionDetail,
    *,
    address: str,
    user_agent: str,
    replaced_token: str,
) -> str:
    """Sign somebody in who has shown who they are, and record how.

    Args:
        connection: The transaction of the caller.
        person_id: The person.
        detail: The way in which they have shown it, for the audit log.
        address: The IP address of the client.
        user_agent: The browser.
        replaced_token: The token that the browser holds from before; its sign-in ends.

    Returns:
        The token for the cookie, which nobody has seen before.
    """
    if replaced_token:
        await sign_ins.end_sign_in(connection, replaced_token)
    await audit.add_audit_line(
        connection, Action.SIGN_IN, person_id=person_id, detail={**detail, "address": address}
    )
    await known_networks.remember_network(connection, person_id, address)
    return await sign_ins.start_sign_in(
        connection, person_id, user_agent=user_agent, address=address
    )
