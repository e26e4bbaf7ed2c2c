"""Locks of replays, between digest and deletion, and of packs, between sweepers.

Digest takes the lock of a replay shared, deletion takes it alone, and both hold it to the end of
their transaction. So either the deletion sees the segment, or digest sees the tombstone. The lock
of a pack is held by the one sweeper that changes its object.
"""

from collections.abc import Iterable
from typing import Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.ids import ReplayId
from app.db.engine import get_driver
from app.replays.model import ReplayKey
from app.replays.segments import statements

_CLASS: Final = 0x706C6179 << 32
"""The class of the locks of replays, which keeps them apart from those of migrations."""
_LOCKS: Final = 0xFF
_PACK_CLASS: Final = 0x7061636B << 32
_PACK_LOCKS: Final = 0xFFFFFFFF

_ALONE = text("select pg_advisory_xact_lock(:key)")
_TRY = text("select pg_try_advisory_xact_lock(:key)")


async def lock_for_adding(connection: AsyncConnection, keys: Iterable[ReplayKey]) -> set[ReplayKey]:
    """Lock replays for adding to them.

    Returns:
        The replays that are deleted: nothing may be added to them.
    """
    ordered = sorted(set(keys))
    if not ordered:
        return set()
    driver = await get_driver(connection)
    await driver.fetch(statements.LOCK_SHARED, sorted({_number(key) for key in ordered}))
    # A statement of its own: it must see what was committed while the one before waited.
    project_ids, replay_ids = zip(*ordered, strict=True)
    rows = await driver.fetch(statements.FIND_DELETED, project_ids, replay_ids)
    return {ReplayKey(row["project_id"], ReplayId(row["replay_id"].hex)) for row in rows}


async def lock_for_deletion(connection: AsyncConnection, key: ReplayKey) -> None:
    """Lock a replay for deleting it, once nobody is adding to it any more."""
    await connection.execute(_ALONE, {"key": _number(key)})


async def lock_all_for_deletion(connection: AsyncConnection, keys: Iterable[ReplayKey]) -> None:
    """Lock replays for deleting them, once nobody is adding to them any more."""
    # In one order, so that two deletions do not wait for each other; digest sorts likewise.
    for number in sorted({_number(key) for key in keys}):
        await connection.execute(_ALONE, {"key": number})


async def try_lock_pack(connection: AsyncConnection, pack_id: int) -> bool:
    """Lock a pack for changing its object; return False if another sweeper has the lock."""
    key = _PACK_CLASS | pack_id & _PACK_LOCKS
    return bool(await connection.scalar(_TRY, {"key": key}))


def _number(key: ReplayKey) -> int:
    """Return the number of one of 256 locks; two replays that share one only wait longer.

    Postgres has room for some thousand locks in all, and one envelope may name hundreds of
    replays; so their number must not grow with what senders send.
    """
    return _CLASS | (int(key.replay_id[16:], 16) ^ key.project_id) & _LOCKS
