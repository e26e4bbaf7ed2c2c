"""Removes what uploads leave: old chunks. `erasure.sweep` removes objects of files never completed.

chunks of complete files, loose chunks after 24 hours ─► rows ─► objects
objects of chunks that no row names, after two days    ─► objects
hours with uploads that have ended                     ─► a line of the audit log each
"""

from typing import Final, override

from app.audit.model import Action
from app.audit.writes import add_audit_line
from app.core import clock, log
from app.core.errors import ServiceUnavailable
from app.core.running.repeated_worker import RepeatedWorker
from app.db.engine import Database
from app.debug_files import assemblies, chunks, upload_counts
from app.debug_uploads.limits import LOST_AFTER
from app.storage import keys
from app.storage.port import ObjectStore

_BATCH: Final = 500

_logger: Final = log.get_logger("debug_uploads.cleaning")


class UploadCleaner(RepeatedWorker):
    """The duty of one process of all."""

    package = "debug_uploads.cleaning"
    pause_s = 60.0
    waiting_message = "the cleaning of uploads waits"
    failure_message = "the cleaning of uploads failed"

    def __init__(self, database: Database, objects: ObjectStore) -> None:
        """Make one; it does nothing before `start`."""
        super().__init__()
        self._database = database
        self._objects = objects

    @override
    async def work(self) -> None:
        await clean_uploads(self._database, self._objects)


async def clean_uploads(database: Database, objects: ObjectStore) -> None:
    """Remove everything that is due.

    Raises:
        ServiceUnavailable: Postgres or the storage does not answer; the next round goes on.
    """
    await _delete_chunks(database, objects)
    await _delete_lost_chunks(database, objects)
    async with database.transaction() as connection:
        await assemblies.delete_old_faults(connection)
        for hour in await upload_counts.take_ended_hours(connection):
            await add_audit_line(
                connection,
                Action.DEBUG_FILES_UPLOADED,
                person_id=None,
                project_id=hour.project_id,
                subject=None if hour.token_id is None else str(hour.token_id),
                detail={
                    "hour": hour.hour.isoformat(),
                    "files": hour.files,
                    "size_bytes": hour.size_bytes,
                },
            )


async def _delete_chunks(database: Database, objects: ObjectStore) -> None:
    while True:
        async with database.transaction() as connection:
            old = await chunks.delete_old_chunks(connection, limit=_BATCH)
        for key in old:
            try:
                await objects.delete(key)
            except ServiceUnavailable as error:
                # It is found as a lost one later.
                _logger.warning("a chunk stays", object_key=key, error=str(error))
        if len(old) < _BATCH:
            return


async def _delete_lost_chunks(database: Database, objects: ObjectStore) -> None:
    """Delete objects that a process stored, and died before their row."""
    before = (clock.now() - LOST_AFTER).date()
    old = [
        each.key
        for each in await objects.list(keys.CHUNK_PREFIX)
        if (day := keys.read_chunk_day(each.key)) is not None and day < before
    ]
    for start in range(0, len(old), _BATCH):
        batch = old[start : start + _BATCH]
        async with database.reading() as connection:
            known = await chunks.find_known_objects(connection, batch)
        for key in batch:
            if key not in known:
                await objects.delete(key)
