"""Sign-in links: made for one person, good for one use within a day."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from app.accounts import tokens
from app.accounts.tables import people, sign_in_links
from app.core import clock, ids
from app.core.ids import PersonId

GOOD_FOR: Final = timedelta(hours=24)
FRESH: Final = timedelta(minutes=15)
"""How long a used link stands in for a forgotten password."""


@dataclass(frozen=True, slots=True)
class SignInLink:
    """Whose link it is, and until when it is good."""

    email: str
    expires_at: datetime


async def make_sign_in_link(connection: AsyncConnection, person_id: PersonId) -> str:
    """Make a link for a person.

    Returns:
        The token to put into the link; only its hash is kept.
    """
    token = ids.new_token()
    await connection.execute(
        insert(sign_in_links).values(
            token_sha256=tokens.hash_token(token),
            person_id=person_id,
            expires_at=clock.now() + GOOD_FOR,
        )
    )
    return token


async def use_sign_in_link(connection: AsyncConnection, token: str) -> PersonId | None:
    """Use a link up; of two at once, one succeeds.

    Returns:
        Whose it was; None when it is unknown, used, too old, or the person is disabled.
    """
    now = clock.now()
    enabled = select(people.c.id).where(people.c.disabled_at.is_(None))
    used: int | None = await connection.scalar(
        update(sign_in_links)
        .where(
            sign_in_links.c.token_sha256 == tokens.hash_token(token),
            sign_in_links.c.used_at.is_(None),
            sign_in_links.c.expires_at > now,
            sign_in_links.c.person_id.in_(enabled),
        )
        .values(used_at=now)
        .returning(sign_in_links.c.person_id)
    )
    return None if used is None else PersonId(used)


async def find_sign_in_link(connection: AsyncConnection, token: str) -> SignInLink | None:
    """Return whom a link lets in, for the page that asks before using it up.

    Returns:
        None when `use` would not succeed now.
    """
    found = await connection.execute(
        select(people.c.email, sign_in_links.c.expires_at)
        .join(people, people.c.id == sign_in_links.c.person_id)
        .where(
            sign_in_links.c.token_sha256 == tokens.hash_token(token),
            sign_in_links.c.used_at.is_(None),
            sign_in_links.c.expires_at > clock.now(),
            people.c.disabled_at.is_(None),
        )
    )
    row = found.first()
    return None if row is None else SignInLink(row.email, row.expires_at)


async def is_link_fresh(connection: AsyncConnection, token: str, person_id: PersonId) -> bool:
    """Tell whether a person used this link within the last 15 minutes.

    Saving a password withdraws all links, so a link stands in for a password once.
    """
    found = select(sign_in_links.c.person_id).where(
        sign_in_links.c.token_sha256 == tokens.hash_token(token),
        sign_in_links.c.used_at > clock.now() - FRESH,
        sign_in_links.c.person_id == person_id,
    )
    return await connection.scalar(found) is not None


async def withdraw_links(connection: AsyncConnection, person_id: PersonId) -> None:
    """Make every link of a person useless."""
    await connection.execute(delete(sign_in_links).where(sign_in_links.c.person_id == person_id))


async def delete_old_links(connection: AsyncConnection) -> int:
    """Delete links that are used and no longer fresh, or too old; returns how many."""
    now = clock.now()
    gone = await connection.execute(
        delete(sign_in_links).where(
            (sign_in_links.c.used_at <= now - FRESH) | (sign_in_links.c.expires_at <= now)
        )
    )
    return gone.rowcount
