"""Deletes the rows of a replay, and keeps the lists of objects that the sweep removes."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.ids import PersonId, ProjectId, ReplayId
from app.replays import hiding, locks, pictures
from app.replays.hiding import DeletionAuthor, HiddenReplay
from app.replays.model import ReplayKey, Tombstone
from app.replays.queries import find_tombstone, to_tombstone
from app.replays.tables import (
    object_outbox,
    pack_outbox,
    packs,
    replay_traces,
    segments,
    tombstones,
)
from app.replays.writes import PackRange, discard_pack_ranges


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


async def erase_rows(
    connection: AsyncConnection,
    key: ReplayKey,
    *,
    person_id: PersonId | None,
    at: datetime,
    reason: str | None = None,
) -> Tombstone | None:
    """Delete every row of a replay, leave its tombstone, and hand its objects to the sweep.

    Call it with the replay locked (`locks.lock_for_deletion`).

    Args:
        connection: The transaction of the caller.
        key: The replay.
        person_id: The person who deletes it; None for the command line, or for a rule.
        at: The time of the deletion.
        reason: Why it is deleted; None for a person's own wish.

    Returns:
        The tombstone; None when there was no such replay.
    """
    author = DeletionAuthor(person_id, at, reason=reason)
    hidden = await hiding.hide_replays(connection, [key], author)
    if not hidden:
        return None
    await remove_parts(connection, hidden, at=at)
    return await find_tombstone(connection, key)


async def remove_parts(
    connection: AsyncConnection, hidden: Sequence[HiddenReplay], *, at: datetime
) -> int:
    """Delete the segments, links and pictures of hidden replays; hand their bytes to the sweep.

    Returns:
        The number of segments that were deleted.
    """
    segments_removed = 0
    for replay in hidden:
        segments_removed += await _remove_parts_of(connection, replay, at=at)
    return segments_removed


async def _remove_parts_of(
    connection: AsyncConnection, replay: HiddenReplay, *, at: datetime
) -> int:
    key = replay.key
    of_replay = (segments.c.project_id == key.project_id) & (segments.c.replay_id == key.replay_id)
    if replay.day is not None:
        of_replay &= segments.c.day == replay.day
    removed = (
        await connection.execute(
            delete(segments)
            .where(of_replay)
            .returning(segments.c.pack_id, segments.c.object_offset, segments.c.object_bytes)
        )
    ).all()
    await connection.execute(
        delete(replay_traces).where(
            replay_traces.c.project_id == key.project_id,
            replay_traces.c.replay_id == key.replay_id,
        )
    )
    await pictures.erase_pictures(connection, key, at=at)
    await discard_pack_ranges(
        connection,
        [
            PackRange(key, row.pack_id, row.object_offset, row.object_bytes)
            for row in removed
            if row.pack_id is not None
        ],
        at,
    )
    await connection.execute(
        update(tombstones)
        .where(tombstones.c.project_id == key.project_id, tombstones.c.replay_id == key.replay_id)
        .values(has_parts=False)
    )
    return len(removed)


async def lock_unswept_tombstones(connection: AsyncConnection, *, limit: int) -> list[Tombstone]:
    """Lock and read deletions whose packs are wiped, and whose prefix is still to be checked."""
    waits = select(pack_outbox.c.id).where(
        pack_outbox.c.project_id == tombstones.c.project_id,
        pack_outbox.c.replay_id == tombstones.c.replay_id,
    )
    found = await connection.execute(
        select(tombstones)
        .where(tombstones.c.swept_at.is_(None), ~tombstones.c.has_parts, ~waits.exists())
        .order_by(tombstones.c.deleted_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    return [to_tombstone(row) for row in found]


async def write_receipt(
    connection: AsyncConnection, key: ReplayKey, *, objects: int, at: datetime
) -> None:
    """Write the receipt of a deletion: nothing is left under the prefix of the replay."""
    await connection.execute(
        update(tombstones)
        .where(tombstones.c.project_id == key.project_id, tombstones.c.replay_id == key.replay_id)
        .values(swept_at=at, objects=tombstones.c.objects + objects)
    )


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
    await connection.execute(delete(object_outbox).where(object_outbox.c.id.in_(done)))


async def lock_outgoing_pack(
    connection: AsyncConnection, *, after_id: int, limit: int
) -> OutgoingPack | None:
    """Lock and read the next pack with bytes to wipe, if there is one.

    The lock keeps every other process from wiping in the pack: S3 changes an object by replacing
    it. The row itself is not locked, since other deletions and digest change it during a wipe.

    Args:
        connection: Where to read; the pack is locked to the end of its transaction.
        after_id: The id up to which packs have been looked at.
        limit: Ranges to wipe at most.
    """
    waits = select(pack_outbox.c.id).where(pack_outbox.c.pack_id == packs.c.id)
    following = select(packs.c.id).where(waits.exists()).order_by(packs.c.id).limit(1)
    while True:
        pack_id = await connection.scalar(following.where(packs.c.id > after_id))
        if pack_id is None:
            return None
        after_id = pack_id
        if await locks.try_lock_pack(connection, pack_id):
            # Whoever had the lock may have wiped everything meanwhile.
            pack = (await connection.execute(select(packs).where(packs.c.id == pack_id))).first()
            ranges = await _read_outgoing_ranges(connection, pack_id, limit=limit)
            if pack is not None and ranges:
                return OutgoingPack(pack.id, pack.object_key, pack.live, ranges)


async def _read_outgoing_ranges(
    connection: AsyncConnection, pack_id: int, *, limit: int
) -> dict[int, PackRange]:
    rows = await connection.execute(
        select(pack_outbox)
        .where(pack_outbox.c.pack_id == pack_id)
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


async def finish_wiped_ranges(connection: AsyncConnection, pack: OutgoingPack) -> None:
    """Delete the rows of bytes that are wiped, and count them in the receipts of their replays."""
    done = pack_outbox.c.pack_id == pack.id
    if pack.live:
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
