"""Sign-in links: each is for one person, works once, and expires."""

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
"""The time for which a used link stands in for a forgotten password."""


@dataclass(frozen=True, slots=True)
class SignInLink:
    """The person whom a link signs in, and when it expires."""

    email: str
    expires_at: datetime


async def make_sign_in_link(
    connection: AsyncConnection, person_id: PersonId, *, good_for: timedelta = GOOD_FOR
) -> str:
    """Create a link for a person.

    Args:
        connection: The transaction of the caller.
        person_id: The person whom it signs in.
        good_for: The time until it expires.

    Returns:
        The token to put into the link; only its hash is kept.
    """
    token = ids.new_token()
    await connection.execute(
        insert(sign_in_links).values(
            token_sha256=tokens.hash_token(token),
            person_id=person_id,
            expires_at=clock.now() + good_for,
        )
    )
    return token


async def use_sign_in_link(connection: AsyncConnection, token: str) -> PersonId | None:
    """Use a link up; of two at once, one succeeds.

    Returns:
        The person whose link it was; None if the link is unknown, used or too old, or if the
        person is disabled.
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
    """Return whom a link would sign in, for the page that asks before using it up.

    Returns:
        None if `use_sign_in_link` would not succeed now.
    """
    rows = await connection.execute(
        select(people.c.email, sign_in_links.c.expires_at)
        .join(people, people.c.id == sign_in_links.c.person_id)
        .where(
            sign_in_links.c.token_sha256 == tokens.hash_token(token),
            sign_in_links.c.used_at.is_(None),
            sign_in_links.c.expires_at > clock.now(),
            people.c.disabled_at.is_(None),
        )
    )
    row = rows.first()
    return None if row is None else SignInLink(row.email, row.expires_at)


async def is_link_fresh(connection: AsyncConnection, token: str, person_id: PersonId) -> bool:
    """Tell whether a person used this link within the last 15 minutes.

    Saving a password withdraws all links, so a link stands in for a password once.
    """
    used_lately = select(sign_in_links.c.person_id).where(
        sign_in_links.c.token_sha256 == tokens.hash_token(token),
        sign_in_links.c.used_at > clock.now() - FRESH,
        sign_in_links.c.person_id == person_id,
    )
    return await connection.scalar(used_lately) is not None


async def withdraw_links(connection: AsyncConnection, person_id: PersonId) -> None:
    """Delete every link of a person."""
    await connection.execute(delete(sign_in_links).where(sign_in_links.c.person_id == person_id))


async def withdraw_unused_links(connection: AsyncConnection, person_id: PersonId) -> int:
    """Delete the links of a person that still work; returns their number."""
    deleted = await connection.execute(
        delete(sign_in_links).where(
            sign_in_links.c.person_id == person_id,
            sign_in_links.c.used_at.is_(None),
            sign_in_links.c.expires_at > clock.now(),
        )
    )
    return deleted.rowcount


async def delete_old_links(connection: AsyncConnection) -> int:
    """Delete links that are used and no longer fresh, or expired; returns their number."""
    now = clock.now()
    deleted = await connection.execute(
        delete(sign_in_links).where(
            (sign_in_links.c.used_at <= now - FRESH) | (sign_in_links.c.expires_at <= now)
        )
    )
    return deleted.rowcount
