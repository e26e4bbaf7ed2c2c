"""Sign-ins: rows on the server, found by the hash of the token that the cookie holds.

A sign-in ends after 12 hours without a request, after 30 days in any case, and with every change
of the password. `last_seen_at` is written once a minute at most.

Source: OWASP ASVS 5.0, 7.2 to 7.5.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from sqlalchemy import ColumnElement, and_, delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from app.accounts import tokens
from app.accounts.model import Person, SignIn
from app.accounts.queries import PERSON_COLUMNS, person_of
from app.accounts.tables import people, sign_ins
from app.core import clock, ids
from app.core.ids import PersonId
from app.db import text

IDLE: Final = timedelta(hours=12)
LONGEST: Final = timedelta(days=30)

_TOUCH: Final = timedelta(minutes=1)
_USER_AGENT_BYTES: Final = 400
_MOST_SHOWN: Final = 100


@dataclass(frozen=True, slots=True)
class SignedIn:
    """Who is behind a request; with `is_touch_due`, call `touch` in a transaction."""

    person: Person
    sign_in: SignIn
    is_touch_due: bool


async def start(connection: AsyncConnection, person_id: PersonId, *, user_agent: str) -> str:
    """Sign a person in.

    Returns:
        The token for the cookie; only its hash is kept, so this is the only time it is seen.
    """
    token = ids.new_token()
    now = clock.now()
    await connection.execute(
        insert(sign_ins).values(
            token_sha256=tokens.digest(token),
            person_id=person_id,
            created_at=now,
            last_seen_at=now,
            user_agent=text.clean(user_agent, limit_bytes=_USER_AGENT_BYTES),
        )
    )
    return token


async def signed_in(connection: AsyncConnection, token: str) -> SignedIn | None:
    """Return who holds a token; None when it is unknown, has ended, or the person is disabled."""
    rows = await connection.execute(
        select(
            sign_ins.c.token_sha256,
            sign_ins.c.created_at.label("signed_in_at"),
            sign_ins.c.last_seen_at,
            sign_ins.c.user_agent,
            *PERSON_COLUMNS,
        )
        .join(people, people.c.id == sign_ins.c.person_id)
        .where(
            sign_ins.c.token_sha256 == tokens.digest(token),
            _is_alive(),
            people.c.disabled_at.is_(None),
        )
    )
    row = rows.first()
    if row is None:
        return None
    return SignedIn(
        person=person_of(row),
        sign_in=SignIn(row.token_sha256.hex(), row.signed_in_at, row.last_seen_at, row.user_agent),
        is_touch_due=clock.now() - row.last_seen_at >= _TOUCH,
    )


async def touch(connection: AsyncConnection, token: str) -> None:
    """Note that a sign-in is in use; does nothing within a minute of the last time."""
    now = clock.now()
    await connection.execute(
        update(sign_ins)
        .where(
            sign_ins.c.token_sha256 == tokens.digest(token), sign_ins.c.last_seen_at <= now - _TOUCH
        )
        .values(last_seen_at=now)
    )


async def sign_ins_of(connection: AsyncConnection, person_id: PersonId) -> list[SignIn]:
    """Return a person's sign-ins, the last used first; the first 100."""
    rows = await connection.execute(
        select(
            sign_ins.c.token_sha256,
            sign_ins.c.created_at,
            sign_ins.c.last_seen_at,
            sign_ins.c.user_agent,
        )
        .where(sign_ins.c.person_id == person_id, _is_alive())
        .order_by(sign_ins.c.last_seen_at.desc(), sign_ins.c.token_sha256)
        .limit(_MOST_SHOWN)
    )
    return [
        SignIn(row.token_sha256.hex(), row.created_at, row.last_seen_at, row.user_agent)
        for row in rows
    ]


async def end(connection: AsyncConnection, token: str) -> None:
    """Sign out; does nothing when the token is unknown."""
    await connection.execute(
        delete(sign_ins).where(sign_ins.c.token_sha256 == tokens.digest(token))
    )


async def end_one(connection: AsyncConnection, person_id: PersonId, handle: str) -> bool:
    """End a person's sign-in on another device by its handle; tells whether there was one."""
    try:
        digest = bytes.fromhex(handle)
    except ValueError:
        return False
    gone = await connection.execute(
        delete(sign_ins).where(sign_ins.c.person_id == person_id, sign_ins.c.token_sha256 == digest)
    )
    return bool(gone.rowcount)


async def end_all(connection: AsyncConnection, person_id: PersonId) -> int:
    """End every sign-in of a person; returns how many there were."""
    gone = await connection.execute(delete(sign_ins).where(sign_ins.c.person_id == person_id))
    return gone.rowcount


async def forget_ended(connection: AsyncConnection) -> int:
    """Delete the rows of sign-ins that time has ended; returns how many."""
    gone = await connection.execute(delete(sign_ins).where(~_is_alive()))
    return gone.rowcount


def _is_alive() -> ColumnElement[bool]:
    now = clock.now()
    return and_(sign_ins.c.last_seen_at > now - IDLE, sign_ins.c.created_at > now - LONGEST)
