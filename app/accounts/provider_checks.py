"""Stores when the sign-ins of a provider are checked there, and the results of the checks.

    checked ── 10 min ──► due ── 15 min ──► may not be used until it is checked
                            └ the provider does not answer: again every minute, for an hour

The tokens that a check needs are sealed with a key that only the browser has, in its cookie.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from sqlalchemy import delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from app.accounts import tokens
from app.accounts.tables import provider_checks, sign_ins
from app.core import clock
from app.core.ids import PersonId

CHECK_EVERY: Final = timedelta(minutes=10)
GOOD_FOR: Final = timedelta(minutes=15)
"""The time for which a check counts while the provider answers."""
GOOD_WITHOUT_ANSWER: Final = timedelta(hours=1)
"""The time for which it counts while the provider does not answer."""
_AGAIN: Final = timedelta(minutes=1)
"""The pause after a check that failed, and the time that a check may take."""

_checks = provider_checks.c


class ProviderCheckState(StrEnum):
    """The state of a sign-in that came from a provider, by its last check there."""

    FRESH = "fresh"
    DUE = "due"
    """It may be used, and somebody should check it now."""
    WAITING = "waiting"
    """Another request checks it now; until then it may not be used."""
    UNANSWERED = "unanswered"
    """The provider does not answer; the sign-in may be used for a while."""
    OVER = "over"
    """The provider has not answered for too long: it may not be used until it does."""


@dataclass(frozen=True, slots=True)
class ProviderCheck:
    """The checks of one sign-in at its provider."""

    checked_at: datetime
    """The last time that the provider said yes."""
    check_at: datetime
    """The time from which the next check is due."""
    unanswered_since: datetime | None
    """The first of the latest checks that the provider did not answer; None if it answered."""

    @property
    def ends_at(self) -> datetime:
        """Return until when the sign-in may be used while the provider does not answer."""
        return self.checked_at + GOOD_WITHOUT_ANSWER

    def state(self) -> ProviderCheckState:
        """Return whether the sign-in may be used now."""
        now = clock.now()
        if self.check_at <= now:
            return ProviderCheckState.DUE
        if self.unanswered_since is not None:
            return ProviderCheckState.OVER if self.ends_at <= now else ProviderCheckState.UNANSWERED
        return (
            ProviderCheckState.WAITING
            if self.checked_at + GOOD_FOR <= now
            else ProviderCheckState.FRESH
        )


@dataclass(frozen=True, slots=True)
class TakenCheck:
    """A check that this request has taken on itself: whom to ask about, and with which tokens."""

    person_id: PersonId
    issuer: str
    subject: str
    sealed_tokens: bytes
    checked_at: datetime


async def add_check(
    connection: AsyncConnection, token: str, *, issuer: str, subject: str, sealed_tokens: bytes
) -> None:
    """Record that a sign-in came from a provider, which has just said yes."""
    now = clock.now()
    await connection.execute(
        insert(provider_checks).values(
            token_sha256=tokens.hash_token(token),
            issuer=issuer,
            subject=subject,
            sealed_tokens=sealed_tokens,
            checked_at=now,
            check_at=now + CHECK_EVERY,
        )
    )


async def take_check(connection: AsyncConnection, token: str) -> TakenCheck | None:
    """Take a due check on oneself for a minute; None if it is not due or somebody else has it."""
    now = clock.now()
    rows = await connection.execute(
        update(provider_checks)
        .where(
            _checks.token_sha256 == tokens.hash_token(token),
            _checks.check_at <= now,
            sign_ins.c.token_sha256 == _checks.token_sha256,
        )
        .values(check_at=now + _AGAIN)
        .returning(
            sign_ins.c.person_id,
            _checks.issuer,
            _checks.subject,
            _checks.sealed_tokens,
            _checks.checked_at,
        )
    )
    row = rows.mappings().first()
    return None if row is None else TakenCheck(**row)


async def record_yes(connection: AsyncConnection, token: str, sealed_tokens: bytes) -> None:
    """Record that the provider has said yes, and the tokens for the next check."""
    now = clock.now()
    await _update_check(
        connection,
        token,
        sealed_tokens=sealed_tokens,
        checked_at=now,
        check_at=now + CHECK_EVERY,
        unanswered_since=None,
    )


async def record_no_answer(connection: AsyncConnection, token: str) -> None:
    """Record that the provider does not answer; the check is due again in a minute."""
    now = clock.now()
    await connection.execute(
        update(provider_checks)
        .where(_checks.token_sha256 == tokens.hash_token(token), _checks.unanswered_since.is_(None))
        .values(unanswered_since=now)
    )


async def put_off_check(connection: AsyncConnection, token: str, check: TakenCheck) -> None:
    """Make a check due when its last yes no longer counts: nothing can be asked before."""
    await _update_check(connection, token, check_at=check.checked_at + GOOD_FOR)


async def find_check(connection: AsyncConnection, token: str) -> ProviderCheck | None:
    """Return the checks of a sign-in; None if it is over, or did not come from a provider."""
    rows = await connection.execute(
        select(_checks.checked_at, _checks.check_at, _checks.unanswered_since).where(
            _checks.token_sha256 == tokens.hash_token(token)
        )
    )
    row = rows.mappings().first()
    return None if row is None else ProviderCheck(**row)


async def read_sealed_tokens(connection: AsyncConnection, token: str) -> bytes | None:
    """Return the sealed tokens of a sign-in; None if it did not come from a provider."""
    sealed: bytes | None = await connection.scalar(
        select(_checks.sealed_tokens).where(_checks.token_sha256 == tokens.hash_token(token))
    )
    return sealed


async def end_provider_sign_ins(connection: AsyncConnection, person_id: PersonId) -> int:
    """End all sign-ins of a person that came from a provider; returns their number."""
    from_provider = select(_checks.token_sha256)
    deleted = await connection.execute(
        delete(sign_ins).where(
            sign_ins.c.person_id == person_id, sign_ins.c.token_sha256.in_(from_provider)
        )
    )
    return deleted.rowcount


async def _update_check(connection: AsyncConnection, token: str, **values: object) -> None:
    await connection.execute(
        update(provider_checks)
        .where(_checks.token_sha256 == tokens.hash_token(token))
        .values(**values)
    )
