"""The lists of objects and ranges of packs that no row points at any more, for the sweep."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import BigInteger, Interval, bindparam, delete, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.ids import ProjectId, ReplayId
from app.replays import locks
from app.replays.model import ReplayKey
from app.replays.sealing import READERS_LEFT_AFTER
from app.replays.tables import expiring_objects, object_outbox, pack_outbox, packs, tombstones
from app.replays.writes import PackRange

_FOLLOWING_PACK: Final = text(
    """
    select min(id) from (
        select min(pack_id) as id from pack_outbox where wipes and pack_id > :after_id
        union all
        select min(id) from packs where empty_at <= now() - :readers and id > :after_id
    ) next
    """
).bindparams(bindparam("after_id", type_=BigInteger), bindparam("readers", type_=Interval))
_IS_ANY_WAITING: Final = text(
    """
    select (select min(pack_id) from pack_outbox where wipes) is not null
        or exists (select from packs where empty_at <= now() - :readers)
        or exists (select from expiring_objects where expires_at <= now())
        or exists (select from object_outbox)
        or exists (select from tombstones where swept_at is null)
    """
).bindparams(bindparam("readers", type_=Interval))
"""The smallest pack is asked for, because an index has it. Rows that wipe nothing may be many."""
_EXPIRED: Final = text(
    """
    select object_key from expiring_objects where expires_at <= now()
    order by expires_at limit :limit for update skip locked
    """
)


@dataclass(frozen=True, slots=True)
class OutgoingObject:
    """An object to remove; `is_needed` when a row points at it after all."""

    id: int
    object_key: str
    is_needed: bool


@dataclass(frozen=True, slots=True)
class OutgoingPack:
    """A pack with bytes to wipe; the whole object goes when no segment in it is left."""

    id: int
    object_key: str
    live: int
    ranges: dict[int, PackRange]
    """The bytes to wipe, by the id of their row in the outbox."""


async def is_any_waiting(connection: AsyncConnection) -> bool:
    """Tell whether a pack, an object or a deleted replay waits for the sweep."""
    return bool(await connection.scalar(_IS_ANY_WAITING, {"readers": READERS_LEFT_AFTER}))


async def lock_outgoing_objects(connection: AsyncConnection, *, limit: int) -> list[OutgoingObject]:
    """Lock and read objects that wait for removal, the oldest first."""
    is_needed = select(packs.c.id).where(
        packs.c.object_key == object_outbox.c.object_key, packs.c.live > 0
    )
    found = await connection.execute(
        select(object_outbox.c.id, object_outbox.c.object_key, is_needed.exists().label("needed"))
        .order_by(object_outbox.c.id)
        .limit(limit)
        .with_for_update(of=object_outbox, skip_locked=True)
    )
    return [OutgoingObject(row.id, row.object_key, row.needed) for row in found]


async def delete_outgoing_objects(connection: AsyncConnection, done: Sequence[int]) -> None:
    """Delete the rows of objects that are removed, or needed after all."""
    if done:
        await connection.execute(delete(object_outbox).where(object_outbox.c.id.in_(done)))


async def lock_expired_objects(connection: AsyncConnection, *, limit: int) -> list[str]:
    """Lock and read objects that have expired: no row may point at them from now on."""
    return list(await connection.scalars(_EXPIRED, {"limit": limit}))


async def delete_expired_objects(connection: AsyncConnection, done: Sequence[str]) -> None:
    """Delete the rows of expired objects that are removed."""
    if done:
        await connection.execute(
            delete(expiring_objects).where(expiring_objects.c.object_key.in_(done))
        )


async def lock_outgoing_pack(
    connection: AsyncConnection, *, after_id: int, limit: int
) -> OutgoingPack | None:
    """Lock and read the next pack with bytes to wipe, or without a segment, if there is one.

    A pack whose replays were all sealed stays for some minutes, for those who still read it.
    The lock keeps every other process from wiping in the pack: S3 changes an object by replacing
    it. The row itself is not locked, since other deletions and digest change it during a wipe.

    Args:
        connection: The transaction of the caller; the pack is locked until it ends.
        after_id: The id up to which packs have been looked at.
        limit: Ranges to wipe at most.
    """
    while True:
        parameters = {"after_id": after_id, "readers": READERS_LEFT_AFTER}
        pack_id = await connection.scalar(_FOLLOWING_PACK, parameters)
        if pack_id is None:
            return None
        after_id = pack_id
        if await locks.try_lock_pack(connection, pack_id):
            # Whoever had the lock may have wiped everything meanwhile.
            pack = (await connection.execute(select(packs).where(packs.c.id == pack_id))).first()
            ranges = await _read_outgoing_ranges(connection, pack_id, limit=limit)
            if pack is not None and (ranges or pack.live <= 0):
                return OutgoingPack(pack.id, pack.object_key, pack.live, ranges)


async def _read_outgoing_ranges(
    connection: AsyncConnection, pack_id: int, *, limit: int
) -> dict[int, PackRange]:
    rows = await connection.execute(
        select(pack_outbox)
        .where(pack_outbox.c.pack_id == pack_id, pack_outbox.c.wipes)
        .order_by(pack_outbox.c.id)
        .limit(limit)
    )
    return {
        row.id: PackRange(
            ReplayKey(ProjectId(row.project_id), ReplayId(row.replay_id)),
            pack_id,
            row.object_offset,
            row.object_bytes,
        )
        for row in rows
    }


async def request_another_sweep(connection: AsyncConnection, key: ReplayKey) -> None:
    """Have the prefix of a deleted replay checked once more: something was put there meanwhile."""
    await connection.execute(
        update(tombstones)
        .where(tombstones.c.project_id == key.project_id, tombstones.c.replay_id == key.replay_id)
        .values(swept_at=None)
    )


async def finish_wiped_ranges(connection: AsyncConnection, pack: OutgoingPack) -> None:
    """Delete the rows of bytes that are wiped, and count them in the receipts of their replays."""
    done = pack_outbox.c.pack_id == pack.id
    if pack.live > 0:
        done = pack_outbox.c.id.in_(pack.ranges)
    else:
        await connection.execute(delete(packs).where(packs.c.id == pack.id))
    gone = await connection.execute(
        delete(pack_outbox).where(done).returning(pack_outbox.c.project_id, pack_outbox.c.replay_id)
    )
    # Sorted, so that two sweepers lock rows in the same order.
    counts = Counter(ReplayKey(ProjectId(row.project_id), ReplayId(row.replay_id)) for row in gone)
    for key, count in sorted(counts.items()):
        await connection.execute(
            update(tombstones)
            .where(
                tombstones.c.project_id == key.project_id,
                tombstones.c.replay_id == key.replay_id,
            )
            .values(objects=tombstones.c.objects + count)
        )
