"""The lock between a segment on its way in and the deletion of its replay, and that of a pack.

Digest takes the first shared, deletion takes it alone; both hold it to the end of their
transaction. So either the segment is there when the deletion looks, or the tombstone is there when
the segment does. The second is held by the one sweeper that changes a pack.
"""

from collections.abc import Iterable
from typing import Final

from sqlalchemy import BigInteger, bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.ids import ProjectId, ReplayId
from app.db.types import Hex32
from app.replays.model import ReplayKey
from app.replays.tables import tombstones

_CLASS: Final = 0x706C6179 << 32
"""Keeps these locks apart from those of migrations."""
_LOCKS: Final = 0xFF
_PACK_CLASS: Final = 0x7061636B << 32
_PACK_LOCKS: Final = 0xFFFFFFFF

_SHARED = text("select pg_advisory_xact_lock_shared(k) from unnest(:keys) as k").bindparams(
    bindparam("keys", type_=ARRAY(BigInteger))
)
# Arrays, because a list of thousands of pairs is more than Postgres can parse.
_DELETED = (
    text(
        "select t.project_id, t.replay_id from unnest(:project_ids, :replay_ids) as w (p, r)"
        " join tombstones as t on t.project_id = w.p and t.replay_id = w.r"
    )
    .bindparams(
        bindparam("project_ids", type_=ARRAY(BigInteger)),
        bindparam("replay_ids", type_=ARRAY(Hex32)),
    )
    .columns(tombstones.c.project_id, tombstones.c.replay_id)
)
_ALONE = text("select pg_advisory_xact_lock(:key)")
_TRY = text("select pg_try_advisory_xact_lock(:key)")


async def share(connection: AsyncConnection, keys: Iterable[ReplayKey]) -> set[ReplayKey]:
    """Lock replays for adding to them.

    Returns:
        Those that are deleted: nothing may be added to them.
    """
    wanted = sorted(set(keys))
    if not wanted:
        return set()
    await connection.execute(_SHARED, {"keys": sorted({_number(key) for key in wanted})})
    found = await connection.execute(
        _DELETED,
        {
            "project_ids": [key.project_id for key in wanted],
            "replay_ids": [key.replay_id for key in wanted],
        },
    )
    return {ReplayKey(ProjectId(row.project_id), ReplayId(row.replay_id)) for row in found}


async def take(connection: AsyncConnection, key: ReplayKey) -> None:
    """Lock one replay for deleting it; waits for those who are adding to it."""
    await connection.execute(_ALONE, {"key": _number(key)})


async def try_pack(connection: AsyncConnection, pack_id: int) -> bool:
    """Lock a pack for changing its object; False if another sweeper has it."""
    key = _PACK_CLASS | pack_id & _PACK_LOCKS
    return bool(await connection.scalar(_TRY, {"key": key}))


def _number(key: ReplayKey) -> int:
    """Fold a key into one of 256 locks: a collision only waits longer.

    Postgres has room for some thousand locks in all, and one envelope may name hundreds of
    replays; so their number must not grow with what senders send.
    """
    return _CLASS | (int(key.replay_id[16:], 16) ^ key.project_id) & _LOCKS
