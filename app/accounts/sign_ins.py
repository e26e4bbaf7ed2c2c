"""Sign-ins: rows that are found by the hash of the token in the cookie.

A sign-in ends after 12 hours without a request, after 30 days in any case, and with every change
of the password. `last_seen_at` is written once a minute at most.

Source: OWASP ASVS 5.0, 7.2 to 7.5.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import and_, bindparam, delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from app.accounts import tokens
from app.accounts.model import Person, SignIn
from app.accounts.provider_checks import ProviderCheck
from app.accounts.queries import PERSON_COLUMNS, read_person_row
from app.accounts.tables import people, provider_checks, sign_ins
from app.core import clock, ids
from app.core.errors import SignInFailed
from app.core.ids import PersonId
from app.db import text

IDLE: Final = timedelta(hours=12)
LONGEST: Final = timedelta(days=30)
MOST_LISTED: Final = 100
"""The most sign-ins of a person that are listed."""

_NOTE_USE_EVERY: Final = timedelta(minutes=1)
_USER_AGENT_BYTES: Final = 400
_ADDRESS_BYTES: Final = 100


_IS_ALIVE: Final = and_(
    sign_ins.c.last_seen_at > bindparam("seen_after"),
    sign_ins.c.created_at > bindparam("begun_after"),
)
_BY_TOKEN: Final = (
    select(
        sign_ins.c.token_sha256,
        sign_ins.c.created_at.label("signed_in_at"),
        sign_ins.c.last_seen_at,
        sign_ins.c.user_agent,
        sign_ins.c.address,
        provider_checks.c.checked_at,
        provider_checks.c.check_at,
        provider_checks.c.unanswered_since,
        *PERSON_COLUMNS,
    )
    .join(people, people.c.id == sign_ins.c.person_id)
    .outerjoin(provider_checks, provider_checks.c.token_sha256 == sign_ins.c.token_sha256)
    .where(
        sign_ins.c.token_sha256 == bindparam("digest"),
        _IS_ALIVE,
        people.c.disabled_at.is_(None),
    )
)
"""Built once: every request runs it, and building it takes as long as running it."""


@dataclass(frozen=True, slots=True)
class SignedInPerson:
    """The person behind a request, and their sign-in."""

    person: Person
    sign_in: SignIn
    is_touch_due: bool
    """True if `note_use` should be called, in a transaction."""
    provider_check: ProviderCheck | None = None
    """The checks at the provider that the sign-in came from; None if it came from none."""


async def start_sign_in(
    connection: AsyncConnection, person_id: PersonId, *, user_agent: str, address: str = ""
) -> str:
    """Sign a person in.

    Args:
        connection: The transaction of the caller.
        person_id: The person.
        user_agent: The name that their browser gives itself.
        address: The IP address of the client.

    Returns:
        The token for the cookie; only its hash is stored.

    Raises:
        SignInFailed: The account was deactivated meanwhile.
    """
    token = ids.new_token()
    now = clock.now()
    # It waits for a deactivation that is under way, so that no sign-in outlives that.
    noted = await connection.execute(
        update(people)
        .where(people.c.id == person_id, people.c.disabled_at.is_(None))
        .values(last_sign_in_at=now)
    )
    if not noted.rowcount:
        raise SignInFailed("this account is deactivated")
    await connection.execute(
        insert(sign_ins).values(
            token_sha256=tokens.hash_token(token),
            person_id=person_id,
            created_at=now,
            last_seen_at=now,
            user_agent=text.clean(user_agent, limit_bytes=_USER_AGENT_BYTES),
            address=text.clean(address, limit_bytes=_ADDRESS_BYTES),
        )
    )
    return token


async def find_signed_in(connection: AsyncConnection, token: str) -> SignedInPerson | None:
    """Return who holds a token; None if its sign-in is unknown or over, or the person disabled."""
    rows = await connection.execute(
        _BY_TOKEN, {"digest": tokens.hash_token(token), **_alive_after()}
    )
    row = rows.first()
    if row is None:
        return None
    return SignedInPerson(
        person=read_person_row(row),
        sign_in=SignIn(
            row.token_sha256.hex(), row.signed_in_at, row.last_seen_at, row.user_agent, row.address
        ),
        is_touch_due=clock.now() - row.last_seen_at >= _NOTE_USE_EVERY,
        provider_check=row.checked_at
        and ProviderCheck(row.checked_at, row.check_at, row.unanswered_since),
    )


async def note_use(connection: AsyncConnection, token: str) -> None:
    """Record that a sign-in is in use; does nothing within a minute of the last time."""
    now = clock.now()
    await connection.execute(
        update(sign_ins)
        .where(
            sign_ins.c.token_sha256 == tokens.hash_token(token),
            sign_ins.c.last_seen_at <= now - _NOTE_USE_EVERY,
        )
        .values(last_seen_at=now)
    )


async def list_sign_ins(connection: AsyncConnection, person_id: PersonId) -> list[SignIn]:
    """Return the 100 sign-ins of a person that were used last, the newest first."""
    rows = await connection.execute(
        select(
            sign_ins.c.token_sha256,
            sign_ins.c.created_at,
            sign_ins.c.last_seen_at,
            sign_ins.c.user_agent,
            sign_ins.c.address,
        )
        .where(sign_ins.c.person_id == person_id, _IS_ALIVE)
        .order_by(sign_ins.c.last_seen_at.desc(), sign_ins.c.token_sha256)
        .limit(MOST_LISTED),
        _alive_after(),
    )
    return [
        SignIn(
            row.token_sha256.hex(), row.created_at, row.last_seen_at, row.user_agent, row.address
        )
        for row in rows
    ]


async def end_sign_in(connection: AsyncConnection, token: str) -> None:
    """End the sign-in of a token; does nothing if the token is unknown."""
    await connection.execute(
        delete(sign_ins).where(sign_ins.c.token_sha256 == tokens.hash_token(token))
    )


async def end_sign_in_by_handle(
    connection: AsyncConnection, person_id: PersonId, handle: str
) -> bool:
    """End one of a person's sign-ins by its handle; returns whether there was one."""
    try:
        digest = bytes.fromhex(handle)
    except ValueError:
        return False
    deleted = await connection.execute(
        delete(sign_ins).where(sign_ins.c.person_id == person_id, sign_ins.c.token_sha256 == digest)
    )
    return bool(deleted.rowcount)


async def end_sign_ins(connection: AsyncConnection, person_id: PersonId) -> int:
    """End every sign-in of a person; returns their number."""
    deleted = await connection.execute(delete(sign_ins).where(sign_ins.c.person_id == person_id))
    return deleted.rowcount


async def end_other_sign_ins(connection: AsyncConnection, person_id: PersonId, token: str) -> int:
    """End every sign-in of a person but the one of a token; returns their number."""
    deleted = await connection.execute(
        delete(sign_ins).where(
            sign_ins.c.person_id == person_id,
            sign_ins.c.token_sha256 != tokens.hash_token(token),
        )
    )
    return deleted.rowcount


async def delete_ended_sign_ins(connection: AsyncConnection) -> int:
    """Delete the rows of sign-ins that have expired; returns their number."""
    deleted = await connection.execute(delete(sign_ins).where(~_IS_ALIVE), _alive_after())
    return deleted.rowcount


def _alive_after() -> dict[str, datetime]:
    """Return the parameters of `_IS_ALIVE`."""
    now = clock.now()
    return {"seen_after": now - IDLE, "begun_after": now - LONGEST}
