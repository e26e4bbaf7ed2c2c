"""The claim of a database on its object store: both name the same random id.

    row in `object_stores` ◄── store id ──► object `store/<store id>` in the store

A process whose store has another id, or none, would write objects that no other process finds, and
its sweep could delete those of another database. So it does not start. The first start on a new
database, and the first one after an upgrade, make the claim. When a database is restored or objects
are moved, the mark is copied with them; otherwise `playhead storage claim` makes a new claim.
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core import ids
from app.db import migrate
from app.db.engine import Database
from app.processes.tables import object_stores
from app.storage import keys
from app.storage.port import ObjectStore, StoreMismatch

_ID_BYTES: Final = 16
_MARK_TEXT: Final = (
    b"Playhead knows by the name of this object that this store belongs to its database.\n"
    b"Keep it, and copy it with the other objects: docs/deployment.md.\n"
)


@dataclass(frozen=True, slots=True)
class StoreClaim:
    """The store that a database has claimed."""

    store_id: str
    place: str
    """The place of the store when it was claimed, for people."""
    claimed_at: datetime


async def read_claim(connection: AsyncConnection) -> StoreClaim | None:
    """Return the store of a database; None before the first start of this release."""
    columns = object_stores.c
    row = (
        await connection.execute(select(columns.store_id, columns.place, columns.claimed_at))
    ).first()
    return None if row is None else StoreClaim(row.store_id, row.place, row.claimed_at)


async def read_marks(objects: ObjectStore) -> list[str]:
    """Return the ids that a store has; more than one only after a claim that was cut short.

    Raises:
        ServiceUnavailable: The store does not answer.
    """
    prefix = keys.STORE_MARK_PREFIX
    names = [stored.key.removeprefix(prefix) for stored in await objects.list(prefix)]
    return [name for name in names if ids.read_hex32(name) == name]


async def check_store(
    database: Database, objects: ObjectStore, place: str, *, setup_url: str
) -> str:
    """Check that a store is that of the database; claim it if neither has a claim yet.

    Args:
        database: The database.
        objects: The store.
        place: The place of the store, for people.
        setup_url: The database, for the lock under which one process at a time claims.

    Returns:
        The id of the store.

    Raises:
        StoreMismatch: It is the store of another database, or not that of this one.
        ServiceUnavailable: Postgres or the store does not answer.
    """
    async with database.reading() as connection:
        claim = await read_claim(connection)
    if claim is None:
        async with migrate.hold_setup_lock(setup_url), database.transaction() as connection:
            claim = await read_claim(connection)
            if claim is None:
                return await _claim_unclaimed(connection, objects, place)
    marks = await read_marks(objects)
    if claim.store_id not in marks:
        raise StoreMismatch(describe_mismatch(claim, place, marks))
    return claim.store_id


async def claim_store(connection: AsyncConnection, objects: ObjectStore, place: str) -> str:
    """Claim a store for the database, whatever both had claimed before; the caller commits.

    Processes that run on another store notice this within a minute, and stop using theirs.

    Returns:
        The id of the store, which is a new one: the store that was used before has the old one.

    Raises:
        ServiceUnavailable: The store does not answer.
    """
    old = await read_marks(objects)
    store_id = await _write_claim(connection, objects, place)
    for name in old:
        await objects.delete(keys.make_store_mark_key(name))
    return store_id


async def write_known_claim(connection: AsyncConnection, store_id: str, place: str) -> None:
    """Write the claim of a store again that this process has checked, unless there is one."""
    await connection.execute(
        insert(object_stores).values(id=1, store_id=store_id, place=place).on_conflict_do_nothing()
    )


async def _claim_unclaimed(connection: AsyncConnection, objects: ObjectStore, place: str) -> str:
    marks = await read_marks(objects)
    if marks:
        raise StoreMismatch(
            f"the objects at {place} belong to another database: the store has the mark "
            f"{keys.STORE_MARK_PREFIX}{marks[0]}, and this database has claimed no store yet. Use "
            "another bucket, prefix or data folder. If they are its objects after all, since the "
            "database was restored or made anew, run `playhead storage claim`"
        )
    return await _write_claim(connection, objects, place)


async def _write_claim(connection: AsyncConnection, objects: ObjectStore, place: str) -> str:
    store_id = secrets.token_hex(_ID_BYTES)
    # The mark is written first: with a row but no mark, no process could start.
    await objects.put(keys.make_store_mark_key(store_id), _MARK_TEXT)
    values: dict[str, Any] = {"store_id": store_id, "place": place, "claimed_at": func.now()}
    await connection.execute(
        insert(object_stores)
        .values(id=1, **values)
        .on_conflict_do_update(index_elements=["id"], set_=values)
    )
    return store_id


def describe_mismatch(claim: StoreClaim, place: str, marks: Sequence[str]) -> str:
    """Write the message that a store does not belong to the database, and what to do about it."""
    other = "belongs to another database" if marks else "is another store"
    return (
        f"the objects of this database lie at {claim.place} since {claim.claimed_at:%d %B %Y}, and "
        f"{place} {other}. All processes need the same PLAYHEAD_STORAGE, and `local` serves one "
        "machine alone: several share a bucket. If the objects have moved here, run "
        "`playhead storage claim`"
    )
