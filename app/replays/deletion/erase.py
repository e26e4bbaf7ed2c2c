"""Deletes the rows of a replay, and keeps the lists of objects that the sweep removes."""

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.ids import PersonId
from app.replays import open_replays, pictures
from app.replays.deletion import hiding
from app.replays.deletion.hiding import DeletionAuthor, HiddenReplay
from app.replays.model import ReplayKey, Tombstone
from app.replays.queries import find_tombstone, to_tombstone
from app.replays.tables import (
    open_replays as open_replays_table,
    pack_outbox,
    packs,
    replay_traces,
    segments,
    tombstones,
)
from app.replays.writes import PackRange, discard_pack_ranges


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
            .returning(
                segments.c.pack_id,
                segments.c.object_offset,
                segments.c.object_bytes,
                segments.c.recording_pack_id,
            )
        )
    ).all()
    await connection.execute(
        delete(replay_traces).where(
            replay_traces.c.project_id == key.project_id,
            replay_traces.c.replay_id == key.replay_id,
        )
    )
    await pictures.erase_pictures(connection, key, at=at, day=replay.day)
    pack_ids = {row.pack_id for row in removed} | {row.recording_pack_id for row in removed}
    sealed_ids = await _forget_sealed_objects(connection, key, pack_ids - {None})
    await discard_pack_ranges(
        connection,
        [
            PackRange(key, row.pack_id, row.object_offset, row.object_bytes)
            for row in removed
            if row.pack_id is not None and row.pack_id not in sealed_ids
        ],
        at,
    )
    await open_replays.erase_open_replay(connection, key)
    await connection.execute(
        update(tombstones)
        .where(tombstones.c.project_id == key.project_id, tombstones.c.replay_id == key.replay_id)
        .values(has_parts=False)
    )
    return len(removed)


async def _forget_sealed_objects(
    connection: AsyncConnection, key: ReplayKey, pack_ids: Collection[int]
) -> set[int]:
    """Delete the rows of sealed objects, and wipe older copies in packs that others use too.

    The objects themselves lie under the prefix of the replay, where the sweep finds them. One that
    a process is still putting expires by itself.

    Args:
        connection: The transaction of the caller.
        key: The replay.
        pack_ids: The packs in which its parts lie.

    Returns:
        The ids of those packs that were sealed objects.
    """
    sealed = await connection.scalars(
        delete(packs).where(packs.c.id.in_(pack_ids), packs.c.is_sealed).returning(packs.c.id)
    )
    await connection.execute(
        update(pack_outbox)
        .where(
            pack_outbox.c.project_id == key.project_id,
            pack_outbox.c.replay_id == key.replay_id,
            ~pack_outbox.c.wipes,
        )
        .values(wipes=True)
    )
    return set(sealed)


async def lock_unswept_tombstones(connection: AsyncConnection, *, limit: int) -> list[Tombstone]:
    """Lock and read deletions whose packs are wiped, and whose prefix is still to be checked.

    A replay that is being sealed is left alone: the process that has the lease may still put an
    object under the prefix.
    """
    waits = select(pack_outbox.c.id).where(
        pack_outbox.c.project_id == tombstones.c.project_id,
        pack_outbox.c.replay_id == tombstones.c.replay_id,
    )
    is_leased = select(open_replays_table.c.replay_id).where(
        open_replays_table.c.project_id == tombstones.c.project_id,
        open_replays_table.c.replay_id == tombstones.c.replay_id,
        open_replays_table.c.leased_until > func.now(),
    )
    found = await connection.execute(
        select(tombstones)
        .where(
            tombstones.c.swept_at.is_(None),
            ~tombstones.c.has_parts,
            ~waits.exists(),
            ~is_leased.exists(),
        )
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
