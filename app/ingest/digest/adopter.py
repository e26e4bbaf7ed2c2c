"""Digests the journals that dead processes left, and removes them."""

import asyncio
from datetime import date, datetime, timedelta
from typing import Final

from app.core import clock, log, units
from app.core.days import OLD_DAY
from app.core.errors import ServiceUnavailable
from app.db.engine import Database
from app.ingest import bodies
from app.ingest.digest import marks
from app.ingest.digest.batch_digester import BatchDigester
from app.ingest.digest.retry import StepRetrier
from app.journal import adopt
from app.journal.writer import Journal
from app.processes import records as process_records
from app.storage import keys
from app.storage.port import ObjectStore

_PAUSE_S: Final = 60.0
_CLOCK_SLACK: Final = timedelta(days=1)
_MOST_DAYS: Final = 400

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
    ) -> None:
        self._database = database
        self._objects = objects
        self._journal = journal
        self._batches = batches
        self._retrier = retrier
        self.is_done = False
        """Whether everything is digested that dead processes had left at the last look."""

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
        folders = await asyncio.to_thread(
            adopt.lock_abandoned_journals, self._journal.path.parent, self._journal.id
        )
        self.is_done = self.is_done and not folders
        try:
            for folder in folders:
                try:
                    await self._adopt(folder)
                except ServiceUnavailable as error:
                    _logger.warning("a journal waits", journal=folder.id, error=str(error))
                    is_done = False
        finally:
            for folder in folders:
                folder.unlock()
        return is_done

    async def _adopt(self, folder: adopt.AbandonedJournal) -> None:
        """Digest one journal from its mark on, then remove its files and its mark."""
        mark = await self._retrier.retry(lambda: self._claim_mark(folder.id))
        _logger.info("adopting a journal", journal=folder.id, after_seq=mark.seq)
        entries = folder.read(mark.seq)
        batch = await asyncio.to_thread(bodies.reopen_batch, entries)
        since = min([mark.moved_at, *(units.at_from_ms(each.received_ms) for each in batch[:1])])
        await self._retrier.retry(
            lambda: self._remove_uncommitted_packs(folder.id, mark.seq, since=since)
        )
        while batch:
            await self._batches.digest_batch(folder.id, batch)
            batch = await asyncio.to_thread(bodies.reopen_batch, entries)
        await asyncio.to_thread(folder.remove)
        await self._retrier.retry(lambda: self._delete_mark(folder.id))

    async def _claim_mark(self, journal_id: str) -> marks.JournalMark:
        async with self._database.transaction() as connection:
            return await marks.claim_mark(connection, journal_id)

    async def _delete_mark(self, journal_id: str) -> None:
        async with self._database.transaction() as connection:
            await marks.delete_mark(connection, journal_id)
            await process_records.delete_owner_of_journal(connection, journal_id)

    async def _remove_uncommitted_packs(
        self, journal_id: str, after_seq: int, *, since: datetime
    ) -> None:
        """Remove the packs that a dead process stored for batches it never committed.

        Args:
            journal_id: The journal of the process.
            after_seq: The last entry that it stored.
            since: When it stored that entry, or received the next one.
        """
        days = {OLD_DAY, *_list_days(since - _CLOCK_SLACK, clock.now() + _CLOCK_SLACK)}
        for prefix in keys.make_block_prefixes(days, journal_id, after_seq + 1):
            for stored in await self._objects.list(prefix):
                if keys.read_pack_seq(stored.key) > after_seq:
                    await self._objects.delete(stored.key)


def _list_days(first: datetime, last: datetime) -> list[date]:
    """List the days between two moments, both included; only the latest of very many."""
    days = (last.date() - first.date()).days
    return [last.date() - timedelta(days=ago) for ago in range(min(days + 1, _MOST_DAYS))]
