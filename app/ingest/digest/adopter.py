"""Digests the journals that dead processes left, and removes them."""

import asyncio
from typing import Final

from app.core import log, units
from app.core.errors import ServiceUnavailable
from app.db.engine import Database
from app.ingest import bodies
from app.ingest.digest import marks
from app.ingest.digest.batch_digester import BatchDigester
from app.ingest.digest.marks import ClaimedMark, MarkMovedError
from app.ingest.digest.retry import StepRetrier
from app.ingest.digest.uncommitted import remove_uncommitted_objects
from app.journal import adopt
from app.journal.writer import Journal
from app.processes import records as process_records
from app.storage import keys
from app.storage.port import ObjectStore

_PAUSE_S: Final = 60.0

_logger: Final = log.get_logger("ingest.digest")


class JournalAdopter:
    """Looks for journals of dead processes, next to the journal of its own process."""

    def __init__(
        self,
        database: Database,
        objects: ObjectStore,
        journal: Journal,
        batches: BatchDigester,
        retrier: StepRetrier,
        *,
        keep_s: float = 0,
    ) -> None:
        """Make it; `adopt_for_ever` does the work.

        Args:
            database: The database with the marks and rows.
            objects: The store with the packs and files.
            journal: The journal of this process; the others lie beside it.
            batches: Digests what is found.
            retrier: Repeats a step until Postgres and storage answer.
            keep_s: The seconds for which a digested journal stays, in case Postgres loses commits.
        """
        self._database = database
        self._objects = objects
        self._journal = journal
        self._batches = batches
        self._retrier = retrier
        self.is_done = False
        """True if everything is digested that dead processes had left at the last look."""
        self._keep_s = keep_s
        self.kept: frozenset[str] = frozenset()
        """Journals that are digested and kept for a while."""

    async def adopt_for_ever(self) -> None:
        """Adopt what is there now, and look again every minute."""
        while True:
            try:
                self.is_done = await self._adopt_all()
            except Exception:
                _logger.exception("adopting a journal failed")
            await asyncio.sleep(_PAUSE_S)

    async def _adopt_all(self) -> bool:
        """Adopt what is there now; returns whether nothing is left of it."""
        is_done = True
        kept: set[str] = set()
        folders = await asyncio.to_thread(
            adopt.lock_abandoned_journals, self._journal.path.parent, self._journal.id
        )
        self.is_done = self.is_done and self.kept >= {folder.id for folder in folders}
        try:
            for folder in folders:
                try:
                    if not await self._adopt(folder):
                        kept.add(folder.id)
                except (ServiceUnavailable, MarkMovedError) as error:
                    _logger.warning("a journal waits", journal=folder.id, error=str(error))
                    is_done = False
        finally:
            self.kept = frozenset(kept)
            for folder in folders:
                folder.unlock()
        return is_done

    async def _adopt(self, folder: adopt.AbandonedJournal) -> bool:
        """Digest one journal from its mark on, then remove its files and its mark.

        Returns:
            False if the journal is digested and stays for a while.
        """
        mark = await self._retrier.retry(lambda: self._claim_mark(folder.id))
        entries = folder.read(mark.stored_seq)
        batch = await asyncio.to_thread(bodies.reopen_batch, entries)
        since = min([mark.moved_at, *(units.at_from_ms(each.received_ms) for each in batch[:1])])
        await self._retrier.retry(
            lambda: remove_uncommitted_objects(self._database, self._objects, mark, since=since)
        )
        if batch:
            _logger.info("adopting a journal", journal=folder.id, after_seq=mark.stored_seq)
        is_young = bool(batch) or mark.age.total_seconds() < self._keep_s
        while batch:
            await self._batches.digest_batch(mark, batch)
            batch = await asyncio.to_thread(bodies.reopen_batch, entries)
        await self._retrier.retry(lambda: self._delete_spilled_files(folder.id))
        await self._retrier.retry(lambda: self._note_adopted(folder.id))
        if self._keep_s and is_young:
            return False
        await asyncio.to_thread(folder.remove)
        await self._retrier.retry(lambda: self._delete_mark(mark))
        return True

    async def _claim_mark(self, journal_id: str) -> ClaimedMark:
        async with self._database.transaction() as connection:
            return await marks.claim_mark(connection, journal_id)

    async def _delete_mark(self, mark: ClaimedMark) -> None:
        async with self._database.transaction() as connection:
            await marks.delete_mark(connection, mark)

    async def _note_adopted(self, journal_id: str) -> None:
        async with self._database.transaction() as connection:
            await process_records.delete_owner_of_journal(connection, journal_id)

    async def _delete_spilled_files(self, journal_id: str) -> None:
        """Delete the copies that the bucket has of entries which waited."""
        for stored in await self._objects.list(keys.make_spill_prefix(journal_id)):
            await self._objects.delete(stored.key)
