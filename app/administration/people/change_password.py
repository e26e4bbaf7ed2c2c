"""Changes a person's password: with the current one, or shortly after a sign-in link."""

from app.accounts import attempts, known_networks, links, passwords, sign_ins, writes as accounts
from app.accounts.model import Person
from app.accounts.networks import network_of
from app.administration.people.check_password import PASSWORD_ADMISSION, check_password
from app.administration.people.sign_in_provider import SignInProvider, require_password_use
from app.audit import writes as audit
from app.audit.model import Action
from app.db.engine import Database


async def needs_current_password(database: Database, person: Person, link_token: str) -> bool:
    """Tell whether a person must know their password to change it.

    They need not if they have none yet, or if they came by a sign-in link just now: it stands in
    for a forgotten password.
    """
    if not person.has_password:
        return False
    if not link_token:
        return True
    async with database.reading() as connection:
        return not await links.is_link_fresh(connection, link_token, person.id)


async def change_password(
    database: Database,
    person: Person,
    *,
    current: str,
    new: str,
    address: str,
    user_agent: str,
    link_token: str = "",
    provider: SignInProvider | None = None,
) -> str:
    """Set a person's password and end all their sign-ins but the one that this begins.

    Args:
        database: The database with the accounts.
        person: The person who is signed in.
        current: Their password until now; not looked at if they need not know it.
        new: The new password, of 12 characters or more.
        address: The IP address of the client.
        user_agent: The browser.
        link_token: The token of the sign-in link that they came by, if any.
        provider: The sign-in provider that is set up beside passwords, if any.

    Returns:
        The token of a new sign-in.

    Raises:
        InvalidInput: The new password is too short, too long, or easily guessed.
        SignInFailed: `current` is wrong, or the person signs in at the provider.
        TooManyAttempts: Too many attempts failed, or too many people are signing in at once.
    """
    require_password_use(person, provider)
    passwords.require_good_password(new, email=person.email)
    with PASSWORD_ADMISSION.admit(network_of(address)):
        if await needs_current_password(database, person, link_token):
            await check_password(
                database,
                person.email,
                current,
                address=address,
                refusal="the current password is wrong",
            )
        new_hash = await passwords.hash_new_password(new, email=person.email)
    async with database.transaction() as connection:
        await attempts.forgive_attempts(connection, person.email, address)
        await accounts.set_password(connection, person.id, new_hash)
        await audit.add_audit_line(connection, Action.PASSWORD_CHANGED, person_id=person.id)
        await known_networks.remember_network(connection, person.id, address)
        return await sign_ins.start_sign_in(
            connection, person.id, user_agent=user_agent, address=address
        )
