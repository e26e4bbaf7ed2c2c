"""Removes the objects of days that ended, and verifies that none is left that no row needs.

    receipt without a sweep ─► files that its rows named: removed by the outbox
                            └► list the day's prefixes ─► whose row is gone? ─► delete
                            └► list again: only living objects ─► receipt and tombstones are closed

A day is two days old at least when it ends, so nothing is on its way into its prefix.
"""

import asyncio
import itertools
from collections.abc import Collection, Sequence
from datetime import date
from typing import Final

from app.core import clock, log
from app.core.errors import ServiceUnavailable
from app.core.ids import ProjectId
from app.db.engine import Database
from app.erasure.sweep import sweep_files
from app.issues import attachments
from app.issues.deletion import erase as issue_erase, expire as issue_expiry
from app.replays.deletion import expire
from app.retention import receipts
from app.retention.receipts import DayReceipt
from app.storage import keys
from app.storage.port import ObjectStore

_BATCH: Final = 20
_KEYS_AT_ONCE: Final = 1_000
_DELETES_AT_ONCE: Final = 16
_FILE_TURNS: Final = 20
"""The most turns of one sweep that remove files of the outbox, each of which removes a hundred."""
_OLD_FILES: Final = "e"
"""The folder with files of an earlier release, in the folder of their project."""
_BATCH_FILES: Final = "f"

_logger: Final = log.get_logger("retention.sweep")


async def sweep_ended_days(database: Database, objects: ObjectStore) -> None:
    """Go once through the days that ended, and remove their objects.

    Days with files that still wait in the outbox are left for the next time: there may be millions,
    which every process removes in the background.

    Raises:
        ServiceUnavailable: Postgres does not answer. Days whose objects the storage does not
            delete now are logged, and wait for the next sweep.
    """
    for _ in range(_FILE_TURNS):
        if not await sweep_files(database, objects):
            break
    cleaned: set[date] = set()
    after_id = 0
    while True:
        async with database.reading() as connection:
            waiting = await receipts.list_unswept(connection, after_id=after_id, limit=_BATCH)
        failures = 0
        for receipt in waiting:
            try:
                await _sweep_receipt(database, objects, receipt, cleaned)
            except ServiceUnavailable as error:
                _logger.warning("a day is not swept yet", day=str(receipt.day), error=str(error))
                failures += 1
        if failures == len(waiting):  # there is none, or the storage answers nothing
            return
        after_id = waiting[-1].id


async def _sweep_receipt(
    database: Database, objects: ObjectStore, receipt: DayReceipt, cleaned: set[date]
) -> None:
    """Remove the objects of a project's day and close its receipt, unless files still wait.

    Raises:
        ServiceUnavailable: Postgres or the storage does not answer.
    """
    async with database.reading() as connection:
        if await issue_erase.has_unswept_files_of_day(connection, receipt.project_id, receipt.day):
            return
    removed = await _sweep_day(database, objects, receipt, cleaned)
    async with database.transaction() as connection:
        now = clock.now()
        await receipts.finish_receipt(connection, receipt.id, objects=removed, at=now)
        await expire.finish_tombstones_of_day(connection, receipt.project_id, receipt.day, at=now)


async def _sweep_day(
    database: Database, objects: ObjectStore, receipt: DayReceipt, cleaned: set[date]
) -> int:
    """Delete the objects of a project's day, and packs and files of that day, that no row needs.

    The files of all projects lie side by side, so those that no row names are removed for all
    projects when a day ends for one, and once for all receipts of a day in `cleaned`.
    """
    day_prefix = f"{receipt.day:%Y-%m-%d}/"
    prefixes = [f"{day_prefix}{receipt.project_id}/", f"{day_prefix}v/"]
    if receipt.day not in cleaned:
        prefixes.append(f"{day_prefix}{_BATCH_FILES}/")
    removed = 0
    for prefix in prefixes:
        dead = await _find_dead(database, objects, receipt, prefix)
        for some in itertools.batched(dead, _DELETES_AT_ONCE):
            await asyncio.gather(*(objects.delete(key) for key in some))
        if dead and await _find_dead(database, objects, receipt, prefix):
            raise ServiceUnavailable(f"objects under {prefix} are still there after their deletion")
        removed += len(dead)
    cleaned.add(receipt.day)
    return removed


async def _find_dead(
    database: Database, objects: ObjectStore, receipt: DayReceipt, prefix: str
) -> list[str]:
    """List the objects under a prefix that no row needs."""
    stored = [each.key for each in await objects.list(prefix)]
    dead = []
    for first in range(0, len(stored), _KEYS_AT_ONCE):
        object_keys = stored[first : first + _KEYS_AT_ONCE]
        living = await _find_living(database, receipt.project_id, receipt.day, object_keys)
        dead += [key for key in object_keys if key not in living]
    return dead


async def _find_living(
    database: Database, project_id: ProjectId, day: date, object_keys: Sequence[str]
) -> Collection[str]:
    """Return the keys that rows need: of existing replays, of files, and of packs in use."""
    if object_keys[0].split("/")[1] == _BATCH_FILES:
        return await _find_named_files(database, day, object_keys)
    parts = {key: key.split("/") for key in object_keys}
    packs = [key for key, words in parts.items() if words[1] == "v"]
    files = {key: words[3] for key, words in parts.items() if words[2] == _OLD_FILES}
    replays = {
        key: words[2] for key, words in parts.items() if words[1] != "v" and words[2] != _OLD_FILES
    }
    async with database.reading() as connection:
        living = await expire.find_living_packs(connection, packs)
        living |= await issue_expiry.find_living_files(
            connection, project_id, day, sorted(set(files.values()))
        )
        here = await expire.find_living_replays(connection, project_id, set(replays.values()))
    return living | {key for key, replay_id in replays.items() if replay_id in here}


async def _find_named_files(database: Database, day: date, object_keys: Sequence[str]) -> set[str]:
    """Return the keys of files that rows or the outbox name, and those of other objects."""
    events = {key: file[1] for key in object_keys if (file := keys.read_file_event(key))}
    async with database.reading() as connection:
        named = await attachments.find_object_keys(connection, day, set(events.values()))
        named |= await issue_erase.find_waiting_objects(connection, object_keys)
    return named | {key for key in object_keys if key not in events}
