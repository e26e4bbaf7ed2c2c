"""Adopts spilled journals: digests what dead hosts had in the bucket, and removes it from there.

    processes that are silent, or have stopped with a backlog ─┐
    journals in the bucket that no process has (now and then) ─┴─► claim the mark ─► read ─► decrypt
                                                  ─► digest as any batch ─► a while later: delete

Whether a process is really dead decides nothing: if it lives, it finds its mark claimed and goes on
behind what was adopted (`digest/marks`). Files of journals that are digested are deleted here too,
if their owner could not do so.
"""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import ClassVar, Final, override

from app.core import log
from app.core.clock import monotonic_s
from app.core.errors import MalformedInput, NotFound, ServiceUnavailable
from app.core.running.repeated_worker import RepeatedWorker
from app.db.engine import Database
from app.ingest import bodies
from app.ingest.digest import marks
from app.ingest.digest.batch_digester import BatchDigester
from app.ingest.digest.marks import ClaimedMark, MarkMovedError, MarkPosition
from app.ingest.digest.uncommitted import remove_uncommitted_objects
from app.ingest.spill import key_ring
from app.ingest.spill.cipher import decrypt_entries
from app.ingest.spill.key_ring import SpillKeyRing
from app.ingest.spill.metrics import AdoptionMetrics
from app.journal.entry import JournalEntry
from app.processes import records as process_records
from app.storage import keys
from app.storage.keys import SpilledName
from app.storage.port import ObjectStore

_LOOK_AT_ALL_S: Final = 600.0
"""The seconds between two searches of the bucket for files of journals that no process has."""
_QUIET_S: Final = 300.0
"""The seconds until the bucket is searched again for files of a dead process that had none."""
DELETED_AFTER_S: Final = 30.0
"""The longest time for which a digested file stays, in case Postgres loses its commits."""

_logger: Final = log.get_logger("ingest.spill")


@dataclass(slots=True)
class _Adoption:
    """A journal that this process adopts from the bucket."""

    mark: ClaimedMark
    digested_at_s: float
    """The time at which a file was digested last."""
    unreadable: set[str] = field(default_factory=set)
    """Files that cannot be decrypted; they are left where they are."""


class SpillAdopter(RepeatedWorker):
    """Looks for spilled journals whose processes are dead."""

    package: ClassVar = "ingest.spill"
    waiting_message: ClassVar = "spilled journals wait"
    failure_message: ClassVar = "adopting spilled journals failed"

    def __init__(
        self,
        database: Database,
        objects: ObjectStore,
        batches: BatchDigester,
        key_ring: SpillKeyRing,
        *,
        own_journal_id: str | None,
        silent_after_s: float,
        keep_s: float,
    ) -> None:
        """Make one; it does nothing before `start`.

        Args:
            database: The database with the marks and rows.
            objects: The bucket.
            batches: Digests what is found.
            key_ring: The keys of spilled files.
            own_journal_id: The journal of this process, which it does not adopt.
            silent_after_s: The silence after which a process counts as dead.
            keep_s: The seconds for which Postgres may lose a commit; 0 for never.
        """
        super().__init__()
        self._database = database
        self._objects = objects
        self._batches = batches
        self._keys = key_ring
        self._own_journal_id = own_journal_id
        self._silent_after_s = silent_after_s
        self._deleted_after_s = min(keep_s, DELETED_AFTER_S)
        self.pause_s = min(10.0, silent_after_s / 6)
        self._adoptions: dict[str, _Adoption] = {}
        self._empty_at_s: dict[str, float] = {}
        self._looked_at_all_s = float("-inf")
        self.metrics: Final = AdoptionMetrics()

    @override
    async def work(self) -> None:
        async with self._database.reading() as connection:
            dead = await process_records.list_dead_journals(
                connection, silent_after_s=self._silent_after_s
            )
        waiting = [each for each in dead if not self._is_known_to_be_empty(each)]
        waiting += [each for each in self._adoptions if each not in waiting]
        if monotonic_s() - self._looked_at_all_s > _LOOK_AT_ALL_S:
            waiting += [each for each in await self._look_at_all() if each not in waiting]
            self._looked_at_all_s = monotonic_s()
        for journal_id in waiting:
            if journal_id == self._own_journal_id:
                continue
            try:
                await self._adopt(journal_id)
            except MarkMovedError:
                _logger.warning("a spilled journal has another owner again", journal=journal_id)
                self._adoptions.pop(journal_id, None)
            except ServiceUnavailable as error:
                _logger.warning("a spilled journal waits", journal=journal_id, error=str(error))
            except BaseException:
                # A batch was interrupted, as when this process lost its turn, and has left objects.
                # To claim the mark again waits for its commit, if there is one, and removes them.
                self._adoptions.pop(journal_id, None)
                raise

    def _is_known_to_be_empty(self, journal_id: str) -> bool:
        looked_at_s = self._empty_at_s.get(journal_id)
        return looked_at_s is not None and monotonic_s() - looked_at_s < _QUIET_S

    async def _adopt(self, journal_id: str) -> None:
        """Go on with one journal: digest what is new, delete what was digested a while ago.

        Raises:
            MarkMovedError: Another process digests this journal, or Postgres went back in time.
            ServiceUnavailable: Postgres or the bucket does not answer.
        """
        files = await self._list_files(keys.make_spill_prefix(journal_id))
        if not files and journal_id in self._empty_at_s:
            self._empty_at_s[journal_id] = monotonic_s()
            return
        adoption = self._adoptions.get(journal_id) or await self._claim(journal_id)
        if adoption is None:
            return
        if not files:  # claiming it has removed what was never committed
            self._empty_at_s[journal_id] = monotonic_s()
            self._adoptions.pop(journal_id)
            return
        mark = adoption.mark
        async with self._database.reading() as connection:
            position = await marks.read_mark(connection, journal_id)
        if position != MarkPosition(mark.epoch, mark.stored_seq):
            raise MarkMovedError
        for file in files:
            if file.last_seq > mark.stored_seq and file.object_key not in adoption.unreadable:
                await self._digest_file(adoption, file)
        if monotonic_s() - adoption.digested_at_s >= self._deleted_after_s:
            await self._delete_files(
                file for file in files if file.object_key not in adoption.unreadable
            )
            self._adoptions.pop(journal_id)
            await self._note_adopted(journal_id)

    async def _claim(self, journal_id: str) -> _Adoption | None:
        """Claim the mark of a journal, unless its owner or another adopter has just moved it."""
        unused_for = timedelta(seconds=self._silent_after_s / 2)
        async with self._database.transaction() as connection:
            mark = await marks.claim_unused_mark(connection, journal_id, unused_for=unused_for)
        if mark is None:
            return None
        _logger.warning("claimed a silent journal", journal=journal_id, after_seq=mark.stored_seq)
        await remove_uncommitted_objects(self._database, self._objects, mark, since=mark.moved_at)
        stored_at_s = monotonic_s() - mark.age.total_seconds()
        adoption = self._adoptions[journal_id] = _Adoption(mark, stored_at_s)
        return adoption

    async def _digest_file(self, adoption: _Adoption, file: SpilledName) -> None:
        """Digest the entries of a file that are not stored yet."""
        mark = adoption.mark
        try:
            entries = await self._read_file(file)
        except NotFound:  # its owner is back, and has deleted what it digested
            return
        except MalformedInput as error:
            adoption.unreadable.add(file.object_key)
            self.metrics.count_unreadable()
            _logger.warning("a spilled file cannot be read", file=file.object_key, error=str(error))
            return
        if file.first_seq > mark.stored_seq + 1:
            _logger.error(
                "spilled entries are missing",
                journal=mark.journal_id,
                first_seq=mark.stored_seq + 1,
                last_seq=file.first_seq - 1,
            )
        new = iter([each for each in entries if each.seq > mark.stored_seq])
        while batch := await asyncio.to_thread(bodies.reopen_batch, new):
            await self._batches.digest_batch(mark, batch)
            self.metrics.count_entries(len(batch))
            adoption.digested_at_s = monotonic_s()

    async def _read_file(self, file: SpilledName) -> list[JournalEntry]:
        key = await self._keys.find(file.cipher_key_id)
        content = await self._objects.read(file.object_key)
        return await asyncio.to_thread(decrypt_entries, key, file.object_key, content)

    async def _look_at_all(self) -> list[str]:
        """List the journals in the bucket that no process has; delete what is digested of others.

        Keys that no file needs any more are deleted here as well.
        """
        files = await self._list_files(keys.SPILL_PREFIX)
        async with self._database.transaction() as connection:
            owned = await process_records.list_journals(connection)
            await key_ring.delete_old_keys(connection, used={file.cipher_key_id for file in files})
            positions = {
                journal_id: await marks.read_mark(connection, journal_id)
                for journal_id in {file.journal_id for file in files}
            }
        await self._delete_files(
            file
            for file in files
            if file.journal_id in owned
            and (position := positions[file.journal_id]) is not None
            and file.last_seq <= position.stored_seq
        )
        return sorted({file.journal_id for file in files} - owned)

    async def _list_files(self, prefix: str) -> list[SpilledName]:
        """List spilled files, those of one journal in the order of their entries."""
        names = (keys.read_spill_key(each.key) for each in await self._objects.list(prefix))
        return sorted(name for name in names if name is not None)

    async def _delete_files(self, files: Iterable[SpilledName]) -> None:
        for file in files:
            await self._objects.delete(file.object_key)

    async def _note_adopted(self, journal_id: str) -> None:
        async with self._database.transaction() as connection:
            await process_records.delete_owner_of_journal(connection, journal_id)
