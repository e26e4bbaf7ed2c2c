"""Checks a password, with the limits on guessing counted before it is looked at.

    admit ─► count the attempt, commit ─► compare with the hash, without a connection

The attempt is committed first, so that a thousand guesses at once are no more than the limit; no
connection is held while argon2 takes its 60 ms.
"""

from typing import Final

from app.accounts import attempts, passwords, queries as accounts
from app.accounts.admission import PasswordAdmission
from app.accounts.passwords import PasswordVerdict
from app.accounts.queries import PasswordSecret
from app.administration.people.record_failures import record_failures
from app.core.errors import SignInFailed
from app.db.engine import Database

# 16 checks take half a second. A connection of the pool belongs to each while it is counted, so
# they are fewer than those.
PASSWORD_ADMISSION: Final = PasswordAdmission(limit=16, limit_of_network=6)


async def check_password(
    database: Database, email: str, password: str, *, address: str, refusal: str
) -> tuple[PasswordSecret, PasswordVerdict]:
    """Count an attempt on an account and check its password; call it within `PASSWORD_ADMISSION`.

    Args:
        database: The database with the accounts.
        email: The address of the account, as typed; need not be anybody's.
        password: The password, as typed.
        address: The IP address of the client.
        refusal: The message if the password is wrong.

    Returns:
        Whose password it is, and whether its hash is weaker than new ones.

    Raises:
        SignInFailed: The password is wrong, or nobody has the address; it takes as long.
        TooManyAttempts: A limit of failures is used up.
    """
    async with database.transaction() as connection:
        await attempts.count_attempt(connection, email, address)
        secret = await accounts.find_secret(connection, email)
    verdict = await passwords.compare_password(secret.password_hash if secret else None, password)
    if secret is None or not verdict.is_right:
        async with database.transaction() as connection:
            # This failure counts for a while and is recorded afterwards, with those like it.
            await record_failures(connection)
        raise SignInFailed(refusal)
    return secret, verdict
