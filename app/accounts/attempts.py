"""The limits on guessing passwords, counted in Postgres for all processes together.

    failures within 15 minutes                   limit   applies to
    of one account, from one network                 5   everybody
    from one network, over all accounts             30   networks that are new to the account
    of one account, over all networks               20   networks that are new to the account

A network is new to an account until somebody has signed in from there. So a stranger can use up the
limits of an account, and its owner still gets in from where they usually are, or by a link.

An attempt is counted before its password is checked, and deleted if the password was right. So a
thousand guesses at once do not get past the limit. An attempt that is refused adds no row, so the
table grows no faster than passwords can be checked.
"""

import math
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from sqlalchemy import Column, ColumnElement, and_, delete, func, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from app.accounts import known_networks
from app.accounts.networks import network_of
from app.accounts.tables import people, sign_in_attempts
from app.core import clock
from app.core.errors import TooManyAttempts
from app.core.ids import PersonId
from app.db import text

MOST_FROM_NETWORK_ON_ACCOUNT: Final = 5
MOST_FROM_NETWORK: Final = 30
MOST_ON_ACCOUNT: Final = 20
WINDOW: Final = timedelta(minutes=15)

_EMAIL_BYTES: Final = 300
# The lock of the network is always taken first, so that no two attempts wait for each other.
_NETWORK_LOCKS: Final = 1
_ACCOUNT_LOCKS: Final = 2
_SUMMARY_LOCK: Final = 0x666F6C64

_attempts: Final = sign_in_attempts.c


@dataclass(frozen=True, slots=True)
class FailureSummary:
    """The failed attempts on one account, or on all addresses that nobody has."""

    person_id: PersonId | None
    failures: int
    networks: int
    network: str
    """The network that most of them came from."""
    first_at: datetime
    last_at: datetime


async def count_attempt(connection: AsyncConnection, email: str, address: str) -> None:
    """Count an attempt; commit before the password is checked.

    Args:
        connection: The transaction of the caller.
        email: The address as it was typed; need not be anybody's.
        address: The address of the sender.

    Raises:
        TooManyAttempts: A limit is used up; nothing is counted.
    """
    account, network = _normalize_sender(email, address)
    for seed, name in ((_NETWORK_LOCKS, network), (_ACCOUNT_LOCKS, account)):
        await connection.execute(
            select(func.pg_advisory_xact_lock(func.hashtextextended(name, seed)))
        )
    is_of_account = _equals(_attempts.email, account)
    is_of_network = _equals(_attempts.address, network)
    await _require_room(
        connection, and_(is_of_account, is_of_network), MOST_FROM_NETWORK_ON_ACCOUNT
    )
    if not await known_networks.is_network_known(connection, account, network):
        await _require_room(connection, is_of_network, MOST_FROM_NETWORK)
        await _require_room(connection, is_of_account, MOST_ON_ACCOUNT)
    await connection.execute(
        insert(sign_in_attempts).values(email=account, address=network, at=clock.now())
    )


async def forgive_attempts(connection: AsyncConnection, email: str, address: str) -> int:
    """Delete the attempts on an account from a network, because the password was right.

    Returns:
        The number of attempts that had failed before.
    """
    account, network = _normalize_sender(email, address)
    forgiven = await connection.execute(
        delete(sign_in_attempts).where(
            _attempts.email == account,
            _attempts.address == network,
            _attempts.at > _oldest_counted(),
        )
    )
    return max(0, forgiven.rowcount - 1)


async def take_old_failures(connection: AsyncConnection) -> list[FailureSummary]:
    """Delete the attempts that no longer count, and sum them up by account.

    They are taken by whole quarters of an hour, so that a flood becomes a few summaries.
    """
    before = _quarter_hour_before(_oldest_counted())
    is_old = _attempts.at < before
    if not await connection.scalar(select(select(_attempts.id).where(is_old).exists())):
        return []
    if not await connection.scalar(select(func.pg_try_advisory_xact_lock(_SUMMARY_LOCK))):
        return []
    old = (
        delete(sign_in_attempts)
        .where(is_old)
        .returning(_attempts.email, _attempts.address, _attempts.at)
        .cte("old")
    )
    rows = await connection.execute(
        select(
            people.c.id.label("person_id"),
            func.count().label("failures"),
            func.count(old.c.address.distinct()).label("networks"),
            func.mode().within_group(old.c.address).label("network"),
            func.min(old.c.at).label("first_at"),
            func.max(old.c.at).label("last_at"),
        )
        .select_from(old.outerjoin(people, people.c.email == old.c.email))
        .group_by(people.c.id)
        .order_by(people.c.id.nulls_last())
    )
    return [FailureSummary(**row) for row in rows.mappings()]


async def _require_room(
    connection: AsyncConnection, is_counted: ColumnElement[bool], limit: int
) -> None:
    """Make sure that fewer than `limit` attempts count.

    Raises:
        TooManyAttempts: `limit` or more count; the message says when the next one will not.
    """
    oldest: datetime | None = await connection.scalar(
        select(_attempts.at)
        .where(is_counted, _attempts.at > _oldest_counted())
        .order_by(_attempts.at.desc())
        .offset(limit - 1)
        .limit(1)
    )
    if oldest is None:
        return
    wait_s = max(1, math.ceil((oldest + WINDOW - clock.now()).total_seconds()))
    minutes = math.ceil(wait_s / 60)
    unit = "minute" if minutes == 1 else "minutes"
    raise TooManyAttempts(
        f"too many failed sign-ins; try again in {minutes} {unit}, or ask whoever runs this "
        "server for a sign-in link",
        wait_s=wait_s,
    )


def _equals(column: Column[str], value: str) -> ColumnElement[bool]:
    return column == value


def _normalize_sender(email: str, address: str) -> tuple[str, str]:
    """Return the account and the network under which an attempt is counted."""
    return text.clean(email.strip().lower(), limit_bytes=_EMAIL_BYTES), network_of(address)


def _oldest_counted() -> datetime:
    return clock.now() - WINDOW


def _quarter_hour_before(moment: datetime) -> datetime:
    seconds = int(WINDOW.total_seconds())
    return datetime.fromtimestamp(int(moment.timestamp()) // seconds * seconds, UTC)
