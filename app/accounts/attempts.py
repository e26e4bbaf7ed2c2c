"""The limit on guessing: five failures in 15 minutes for an account from an address.

An attempt is counted before the password is looked at and given back when it was right, so a
thousand guesses at once are no more than five.
"""

from datetime import timedelta
from typing import Final

from sqlalchemy import delete, func, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from app.accounts.tables import sign_in_attempts
from app.core import clock
from app.core.errors import Limited
from app.db import text

MOST: Final = 5
WITHIN: Final = timedelta(minutes=15)

_EMAIL_BYTES: Final = 300
_ADDRESS_BYTES: Final = 100


async def count_one(connection: AsyncConnection, email: str, address: str) -> None:
    """Count an attempt; commit before the password is checked.

    Args:
        connection: A transaction of the story.
        email: As typed; need not be anybody's.
        address: Where the attempt comes from.

    Raises:
        Limited: There have been five already; nothing is counted.
    """
    account, place = _names(email, address)
    since = clock.now() - WITHIN
    await connection.execute(
        select(func.pg_advisory_xact_lock(func.hashtextextended(f"{account}\n{place}", 0)))
    )
    made = await connection.scalar(
        select(func.count()).where(
            sign_in_attempts.c.email == account,
            sign_in_attempts.c.address == place,
            sign_in_attempts.c.at > since,
        )
    )
    if (made or 0) >= MOST:
        minutes = WITHIN // timedelta(minutes=1)
        raise Limited(f"too many failed sign-ins; try again in {minutes} minutes")
    await connection.execute(
        insert(sign_in_attempts).values(email=account, address=place, at=clock.now())
    )


async def forgive(connection: AsyncConnection, email: str, address: str) -> None:
    """Forget the attempts of an account from an address: the password was right."""
    account, place = _names(email, address)
    await connection.execute(
        delete(sign_in_attempts).where(
            sign_in_attempts.c.email == account, sign_in_attempts.c.address == place
        )
    )


async def forget_old(connection: AsyncConnection) -> int:
    """Delete attempts that no longer count; returns how many."""
    gone = await connection.execute(
        delete(sign_in_attempts).where(sign_in_attempts.c.at <= clock.now() - WITHIN)
    )
    return gone.rowcount


def _names(email: str, address: str) -> tuple[str, str]:
    return (
        text.clean(email.strip().lower(), limit_bytes=_EMAIL_BYTES),
        text.clean(address, limit_bytes=_ADDRESS_BYTES),
    )
