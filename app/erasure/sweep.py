"""Removes the bytes of deleted replays, and looks that they are gone.

    pack outbox   ─► wipe its stretches, or delete a pack in which nothing lives ─► look ─► off
    outbox (keys) ─► delete ─► off the list
    tombstone     ─► list its prefix ─► delete what is there ─► empty? ─► receipt (swept_at)

Storage being down delays a sweep and never ends it: what is not done stays on the lists. Several
processes may sweep at once; each locks what it works on.
"""

import asyncio
from collections.abc import Sequence
from typing import Final

from app.core import clock, log
from app.core.errors import NotFound, ServiceUnavailable
from app.db.engine import Database
from app.issues import erase as error_erase
from app.replays import erase
from app.replays.model import Tombstone
from app.storage import keys
from app.storage.port import ObjectStore

_BATCH: Final = 100
_STRETCHES: Final = 1_000
"""Stretches wiped in one pack at once."""
_PAUSE_S: Final = 5.0

_logger: Final = log.get_logger("erasure.sweep")


class Sweeper:
    """The background half of deletion."""

    def __init__(self, database: Database, objects: ObjectStore) -> None:
        self._database = database
        self._objects = objects
        self._wanted = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to sweep: at once, after each deletion here, and every five seconds."""
        self._task = asyncio.create_task(self._run(), name="sweep")

    async def stop(self) -> None:
        """End; what is not swept waits for the next process."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def hurry(self) -> None:
        """Sweep now: something was deleted in this process."""
        self._wanted.set()

    async def _run(self) -> None:
        while True:
            self._wanted.clear()
            try:
                while await sweep(self._database, self._objects):
                    pass
            except ServiceUnavailable as error:
                _logger.warning("the sweep waits", error=str(error))
            except Exception:
                _logger.exception("the sweep failed")
            try:
                await asyncio.wait_for(self._wanted.wait(), _PAUSE_S)
            except TimeoutError:
                continue


async def sweep(database: Database, objects: ObjectStore) -> bool:
    """Remove one batch of objects; returns whether there may be more to do.

    Raises:
        ServiceUnavailable: Postgres does not answer. What the object storage does not delete now
            stays on the lists, and is logged.
    """
    await _sweep_packs(database, objects)
    has_swept_objects = await _sweep_outbox(database, objects)
    has_swept_files = await _sweep_files(database, objects)
    has_swept_replays = await _sweep_replays(database, objects)
    return has_swept_objects or has_swept_files or has_swept_replays


async def _sweep_packs(database: Database, objects: ObjectStore) -> None:
    """Go once through the packs that hold what must go; each is a transaction of its own."""
    after_id = 0
    while True:
        async with database.transaction() as connection:
            pack = await erase.lock_outgoing_pack(connection, after_id=after_id, limit=_STRETCHES)
            if pack is None:
                return
            after_id = pack.id
            try:
                await _wipe(objects, pack)
            except ServiceUnavailable as error:
                _logger.warning("a pack stays", object_key=pack.object_key, error=str(error))
                continue
            await erase.finish_wiped_ranges(connection, pack)


async def _wipe(objects: ObjectStore, pack: erase.OutgoingPack) -> None:
    """Make stretches of a pack unreadable, and look that they are.

    Raises:
        ServiceUnavailable: They are not, or it cannot be seen.
    """
    if not pack.live:
        await objects.delete(pack.object_key)
        return
    stretches = [(one.offset, one.size_bytes) for one in pack.stretches.values()]
    wiping = asyncio.ensure_future(objects.wipe(pack.object_key, stretches))
    try:
        await asyncio.shield(wiping)
    except asyncio.CancelledError:
        # The pack stays locked until it is done: what is written late could undo another wipe.
        await asyncio.wait([wiping])
        raise
    for offset, size_bytes in stretches:
        try:
            left = await objects.read(pack.object_key, offset, size_bytes)
        except NotFound:
            return
        if left.count(0) != len(left):
            raise ServiceUnavailable(
                f"{pack.object_key} still holds what was wiped at byte {offset}"
            )


async def _sweep_outbox(database: Database, objects: ObjectStore) -> bool:
    async with database.transaction() as connection:
        done = await _gone(objects, await erase.lock_outgoing_objects(connection, limit=_BATCH))
        await erase.delete_outgoing_objects(connection, done)
    return len(done) == _BATCH


async def _sweep_files(database: Database, objects: ObjectStore) -> bool:
    """Remove the objects of erased events' files."""
    async with database.transaction() as connection:
        done = await _gone(objects, await error_erase.lock_outgoing_files(connection, limit=_BATCH))
        await error_erase.mark_files_swept(connection, done, at=clock.now())
    return len(done) == _BATCH


async def _gone(
    objects: ObjectStore, waiting: Sequence[erase.OutgoingObject | error_erase.OutgoingFile]
) -> list[int]:
    """Delete the objects that no row needs; returns what is off its list."""
    return [
        one.id for one in waiting if one.is_needed or await _is_deleted(objects, one.object_key)
    ]


async def _is_deleted(objects: ObjectStore, object_key: str) -> bool:
    """Delete one object; what cannot be deleted now must not hold up the others."""
    try:
        await objects.delete(object_key)
    except ServiceUnavailable as error:
        _logger.warning("an object stays", object_key=object_key, error=str(error))
        return False
    return True


async def _sweep_replays(database: Database, objects: ObjectStore) -> bool:
    async with database.transaction() as connection:
        swept = 0
        for tombstone in await erase.lock_unswept_tombstones(connection, limit=_BATCH):
            try:
                removed = await _empty_prefix(objects, tombstone)
            except ServiceUnavailable as error:
                _logger.warning(
                    "a replay is not swept yet", replay=tombstone.key.replay_id, error=str(error)
                )
                continue
            await erase.write_receipt(connection, tombstone.key, objects=removed, at=clock.now())
            swept += 1
    return swept == _BATCH


async def _empty_prefix(objects: ObjectStore, tombstone: Tombstone) -> int:
    """Delete whatever lies under a replay's prefix, derived pictures too, and look again."""
    prefix = keys.replay_prefix(tombstone.key.project_id, tombstone.key.replay_id)
    found = await objects.list(prefix)
    for one in found:
        await objects.delete(one.key)
    if await objects.list(prefix):
        raise ServiceUnavailable(f"objects under {prefix} are still there after their deletion")
    return len(found)
