"""Removes the objects of deleted replays and issues, and verifies that they are gone.

    outbox of packs   ─► wipe ranges, or delete a pack with no live segment ─► verify ─► done
    outbox of objects, expired objects ─► delete ─► done
    due debug file    ─► list its prefix ─► delete what is there ─► empty? ─► receipt (swept_at)
    tombstone         ─► list its prefixes ─► delete what is there ─► empty? ─► receipt (swept_at)

When storage does not answer, a sweep is delayed and never lost: its entries stay on the lists.
Several processes may sweep at the same time; each locks the rows that it works on.
"""

import asyncio
import itertools
from collections.abc import Collection, Sequence
from datetime import date
from typing import Final, override

from app.core import clock, log
from app.core.errors import NotFound, ServiceUnavailable
from app.core.running.repeated_worker import RepeatedWorker
from app.db.engine import Database
from app.db.partitions import days
from app.debug_files import writes as debug_files
from app.issues.deletion import erase as error_erase
from app.replays.deletion import erase, outgoing
from app.replays.model import Tombstone
from app.storage import keys
from app.storage.port import ObjectStore

_BATCH: Final = 100
_DELETES_AT_ONCE: Final = 16
_MOST_RANGES: Final = 1_000
"""The most ranges of one pack that are wiped at once."""

_logger: Final = log.get_logger("erasure.sweep")


class Sweeper(RepeatedWorker):
    """Sweeps in the background, also at once after each deletion in this process."""

    package = "erasure.sweep"
    pause_s = 5.0
    waiting_message = "the sweep waits"
    failure_message = "the sweep failed"

    def __init__(self, database: Database, objects: ObjectStore) -> None:
        super().__init__()
        self._database = database
        self._objects = objects

    @override
    async def work(self) -> None:
        while await self._is_any_waiting():
            if not await sweep_once(self._database, self._objects):
                break

    async def _is_any_waiting(self) -> bool:
        """Tell whether there is anything to remove; every few seconds, so without a transaction."""
        async with self._database.reading() as connection:
            return (
                await outgoing.is_any_waiting(connection)
                or await error_erase.is_any_file_waiting(connection, clock.now())
                or bool(await debug_files.find_due_sweeps(connection, limit=1))
            )


async def sweep_once(database: Database, objects: ObjectStore) -> bool:
    """Remove one batch of objects; returns whether there may be more to do.

    Raises:
        ServiceUnavailable: Postgres does not answer. Objects that the storage does not delete now
            stay on the lists, and are logged.
    """
    await _sweep_packs(database, objects)
    has_swept_expired = await _sweep_expired(database, objects)
    has_swept_objects = await _sweep_outbox(database, objects)
    has_swept_files = await sweep_files(database, objects)
    has_swept_debug_files = await _sweep_debug_files(database, objects)
    has_swept_replays = await _sweep_replays(database, objects)
    return any(
        (
            has_swept_expired,
            has_swept_objects,
            has_swept_files,
            has_swept_debug_files,
            has_swept_replays,
        )
    )


async def _sweep_packs(database: Database, objects: ObjectStore) -> None:
    """Go once through the packs with deleted segments; each is a transaction of its own."""
    after_id = 0
    while True:
        async with database.transaction() as connection:
            pack = await outgoing.lock_outgoing_pack(
                connection, after_id=after_id, limit=_MOST_RANGES
            )
            if pack is None:
                return
            after_id = pack.id
            try:
                await _wipe_pack(objects, pack)
            except ServiceUnavailable as error:
                _logger.warning("a pack stays", object_key=pack.object_key, error=str(error))
                continue
            await outgoing.finish_wiped_ranges(connection, pack)


async def _wipe_pack(objects: ObjectStore, pack: outgoing.OutgoingPack) -> None:
    """Wipe ranges of a pack, and verify that they read as zeros.

    Raises:
        ServiceUnavailable: They do not, or the storage does not answer.
    """
    if pack.live <= 0:
        await objects.delete(pack.object_key)
        return
    ranges = [(each.offset, each.size_bytes) for each in pack.ranges.values()]
    wiping = asyncio.ensure_future(objects.wipe(pack.object_key, ranges))
    try:
        await asyncio.shield(wiping)
    except asyncio.CancelledError:
        # The pack stays locked until the wipe has ended: a late write could undo another wipe.
        await asyncio.wait([wiping])
        raise
    for offset, size_bytes in ranges:
        try:
            content = await objects.read(pack.object_key, offset, size_bytes)
        except NotFound:
            return
        if content.count(0) != len(content):
            raise ServiceUnavailable(
                f"{pack.object_key} still holds what was wiped at byte {offset}"
            )


async def _sweep_expired(database: Database, objects: ObjectStore) -> bool:
    """Remove objects that were put and never pointed at, and older ones of sealed replays."""
    async with database.transaction() as connection:
        expired = await outgoing.lock_expired_objects(connection, limit=_BATCH)
        done = [key for key in expired if await _try_delete(objects, key)]
        await outgoing.delete_expired_objects(connection, done)
    return len(done) == _BATCH


async def _sweep_outbox(database: Database, objects: ObjectStore) -> bool:
    async with database.transaction() as connection:
        done = await _delete_objects(
            objects, await outgoing.lock_outgoing_objects(connection, limit=_BATCH)
        )
        await outgoing.delete_outgoing_objects(connection, done)
    return len(done) == _BATCH


async def sweep_files(database: Database, objects: ObjectStore) -> bool:
    """Remove some objects of files that no row needs; returns whether there may be more.

    Raises:
        ServiceUnavailable: Postgres does not answer. Objects that the storage does not delete now
            stay on the list, and are logged.
    """
    now = clock.now()
    async with database.reading() as connection:
        waiting = await error_erase.list_outgoing_files(connection, limit=_BATCH)
    repeated = [file.id for file in waiting if file.may_be_put_again(now)]
    # No transaction is open meanwhile. If another process deletes the same objects, no harm is
    # done: nothing is put with their keys again.
    done = await _delete_objects(
        objects, [file for file in waiting if not file.may_be_put_again(now)]
    )
    async with database.transaction() as connection:
        locked = await error_erase.lock_outgoing_files(connection, repeated)
        done += await _delete_objects(objects, locked)
        await error_erase.mark_files_swept(connection, done, at=clock.now())
    return len(done) == _BATCH


async def _sweep_debug_files(database: Database, objects: ObjectStore) -> bool:
    """Remove the objects of deleted debug files, and of those whose upload ended half-way."""
    async with database.reading() as connection:
        due = await debug_files.find_due_sweeps(connection, limit=_BATCH)
    swept = 0
    for project_id, file_id in due:
        try:
            prefix = keys.make_debug_file_prefix(project_id, file_id)
            removed = await _delete_prefix(objects, prefix)
        except ServiceUnavailable as error:
            _logger.warning("a debug file stays", file=file_id, error=str(error))
            continue
        async with database.transaction() as connection:
            await debug_files.finish_sweep(connection, project_id, file_id, objects=removed)
        swept += 1
    return swept == _BATCH


async def _delete_objects(
    objects: ObjectStore, waiting: Sequence[outgoing.OutgoingObject | error_erase.OutgoingFile]
) -> list[int]:
    """Delete the objects that no row needs; returns the ids of the entries that are done."""
    done: list[int] = []
    for some in itertools.batched(waiting, _DELETES_AT_ONCE):
        dead = [entry for entry in some if not entry.is_needed]
        are_gone = await asyncio.gather(*(_try_delete(objects, each.object_key) for each in dead))
        done += [entry.id for entry in some if entry.is_needed]
        done += [entry.id for entry, is_gone in zip(dead, are_gone, strict=True) if is_gone]
    return done


async def _try_delete(objects: ObjectStore, object_key: str) -> bool:
    """Delete one object; a failure is logged, so that it does not delay the others."""
    try:
        await objects.delete(object_key)
    except ServiceUnavailable as error:
        _logger.warning("an object stays", object_key=object_key, error=str(error))
        return False
    return True


async def _sweep_replays(database: Database, objects: ObjectStore) -> bool:
    async with database.transaction() as connection:
        swept = 0
        present = {each.day for each in await days.list_partitions(connection, ["segments"])}
        for tombstone in await erase.lock_unswept_tombstones(connection, limit=_BATCH):
            try:
                # Without its day, its objects are sought under each.
                days_of_replay = present if tombstone.day is None else {tombstone.day}
                removed = await _delete_prefixes(objects, tombstone, days_of_replay)
            except ServiceUnavailable as error:
                _logger.warning(
                    "a replay is not swept yet", replay=tombstone.key.replay_id, error=str(error)
                )
                continue
            await erase.write_receipt(connection, tombstone.key, objects=removed, at=clock.now())
            swept += 1
    return swept == _BATCH


async def _delete_prefixes(
    objects: ObjectStore, tombstone: Tombstone, days_of_replay: Collection[date]
) -> int:
    """Delete all objects under a replay's prefixes, and verify that they are empty."""
    prefixes = keys.list_replay_prefixes(days_of_replay, *tombstone.key)
    return sum([await _delete_prefix(objects, prefix) for prefix in prefixes])


async def _delete_prefix(objects: ObjectStore, prefix: str) -> int:
    """Delete all objects under a prefix, and verify that it is empty; returns how many there were.

    Raises:
        ServiceUnavailable: Something is still there, or the storage does not answer.
    """
    stored_objects = await objects.list(prefix)
    for stored in stored_objects:
        await objects.delete(stored.key)
    if stored_objects and await objects.list(prefix):
        raise ServiceUnavailable(f"objects under {prefix} are still there after their deletion")
    return len(stored_objects)
