"""The lock between a segment on its way in and the deletion of its replay, and that of a pack.

Digest takes the first shared, deletion takes it alone; both hold it to the end of their
transaction. So either the segment is there when the deletion looks, or the tombstone is there when
the segment does. The second is held by the one sweeper that changes a pack.
"""

from collections.abc import Iterable
from typing import Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.ids import ReplayId
from app.db.engine import get_driver
from app.replays import statements
from app.replays.model import ReplayKey

_CLASS: Final = 0x706C6179 << 32
"""Keeps these locks apart from those of migrations."""
_LOCKS: Final = 0xFF
_PACK_CLASS: Final = 0x7061636B << 32
_PACK_LOCKS: Final = 0xFFFFFFFF

_ALONE = text("select pg_advisory_xact_lock(:key)")
_TRY = text("select pg_try_advisory_xact_lock(:key)")


async def lock_for_adding(connection: AsyncConnection, keys: Iterable[ReplayKey]) -> set[ReplayKey]:
    """Lock replays for adding to them.

    Returns:
        Those that are deleted: nothing may be added to them.
    """
    wanted = sorted(set(keys))
    if not wanted:
        return set()
    driver = await get_driver(connection)
    await driver.fetch(statements.LOCK_SHARED, sorted({_number(key) for key in wanted}))
    # A statement of its own: it must see what was committed while the one before waited.
    project_ids, replay_ids = zip(*wanted, strict=True)
    found = await driver.fetch(statements.FIND_DELETED, project_ids, replay_ids)
    return {ReplayKey(row["project_id"], ReplayId(row["replay_id"].hex)) for row in found}


async def lock_for_deletion(connection: AsyncConnection, key: ReplayKey) -> None:
    """Lock one replay for deleting it; waits for those who are adding to it."""
    await connection.execute(_ALONE, {"key": _number(key)})


async def try_lock_pack(connection: AsyncConnection, pack_id: int) -> bool:
    """Lock a pack for changing its object; False if another sweeper has it."""
    key = _PACK_CLASS | pack_id & _PACK_LOCKS
    return bool(await connection.scalar(_TRY, {"key": key}))


def _number(key: ReplayKey) -> int:
    """Fold a key into one of 256 locks: a collision only waits longer.

    Postgres has room for some thousand locks in all, and one envelope may name hundreds of
    replays; so their number must not grow with what senders send.
    """
    return _CLASS | (int(key.replay_id[16:], 16) ^ key.project_id) & _LOCKS
