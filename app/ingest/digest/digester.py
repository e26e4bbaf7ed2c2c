"""Digests accepted envelopes in the background: batch after batch becomes rows and objects.

queue (memory) ─┐
own journal ────┼─► BatchDigester ─► rows and objects ─► release the journal's entries
dead journals ──┘
"""

import asyncio
import contextlib
from dataclasses import dataclass
from typing import Final

from app.core import log, units
from app.core.clock import monotonic_s
from app.core.errors import ReplayError, ServiceUnavailable
from app.db.engine import Database
from app.ingest import bodies
from app.ingest.admission.admission import IngestAdmission
from app.ingest.digest import marks
from app.ingest.digest.adopter import JournalAdopter
from app.ingest.digest.batch_digester import BatchDigester, NotePictures
from app.ingest.digest.marks import ClaimedMark, MarkMovedError, MarkPosition
from app.ingest.digest.retry import StepRetrier
from app.ingest.digest.symbolicate import BatchSymbolicator
from app.ingest.digest.uncommitted import remove_uncommitted_objects
from app.ingest.queue import EnvelopeQueue
from app.journal import reader
from app.journal.writer import Journal
from app.messages.wanted import WantedSignals
from app.projects import writes as project_writes
from app.projects.rule_cache import RuleCache
from app.storage.port import ObjectStore

_IDLE_S: Final = 1.0
_CHECK_S: Final = 5.0
"""The pause after which an idle process checks that Postgres still has the last commits, as long as
their files are kept."""
_BATCH_INTERVAL_S: Final = 0.15
"""The shortest time between the beginnings of two batches: at 200 envelopes a second thirty share a
commit, where each costs half of what it does among ten. The first one after a pause is not held."""
_MOST_INTERVALS: Final = 4
"""Several processes wait this much longer at most. Each gets a part of the envelopes, so they would
otherwise share commits with fewer others: four processes took 1.4 times the CPU time of one
(`python -m bench.ingest.far`)."""

_logger: Final = log.get_logger("ingest.digest")


@dataclass(slots=True)
class LostCommits:
    """Counts of the work that a process did because Postgres lost commits, since its start."""

    times: int = 0
    entries_read_again: int = 0
    entries_lost: int = 0
    """Entries whose files were gone already."""

    def count(self, *, read_again: int, lost: int) -> None:
        """Add one time at which Postgres was found to have lost commits."""
        self.times += 1
        self.entries_read_again += read_again
        self.entries_lost += lost


class Digester:
    """The background half of ingest. One per process; use it from one event loop."""

    def __init__(
        self,
        database: Database,
        objects: ObjectStore,
        journal: Journal,
        *,
        queue: EnvelopeQueue,
        admission: IngestAdmission,
        rules: RuleCache,
        note_pictures: NotePictures,
        symbolicator: BatchSymbolicator | None = None,
        wanted: WantedSignals | None = None,
        keep_s: float = 0,
    ) -> None:
        self._database = database
        self._objects = objects
        self._journal = journal
        self._queue = queue
        self._refusals = admission.refusals
        self._quotas = admission.quotas
        self._retrier = StepRetrier()
        self.batches = BatchDigester(
            database,
            objects,
            journal,
            queue=queue,
            quotas=admission.quotas,
            rules=rules,
            retrier=self._retrier,
            note_pictures=note_pictures,
            symbolicator=symbolicator,
            wanted=wanted,
        )
        self.metrics: Final = self.batches.metrics
        self._adopter = JournalAdopter(
            database, objects, journal, self.batches, self._retrier, keep_s=keep_s
        )
        self._mark: ClaimedMark | None = None
        self._digested_seq = 0
        self._batch_began_s = 0.0
        self._checked_s = 0.0
        self.lost_commits: Final = LostCommits()
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def outage(self) -> ServiceUnavailable | None:
        """The reason why a batch waits for Postgres or storage; None while none does."""
        return self._retrier.outage

    @property
    def has_adopted(self) -> bool:
        """True if everything is digested that dead processes had left at the last look."""
        return self._adopter.is_done

    @property
    def kept_journals(self) -> frozenset[str]:
        """Journals of dead processes that are digested, and stay in case Postgres loses commits."""
        return self._adopter.kept

    def start(self) -> None:
        """Begin to digest, and to adopt the journals of dead processes."""
        self._tasks = [
            asyncio.create_task(self._digest_for_ever(), name="digest"),
            asyncio.create_task(self._adopter.adopt_for_ever(), name="digest: adopt"),
        ]

    async def stop(self, *, patience_s: float = 10.0) -> None:
        """Digest what is in memory if that takes no longer; the rest waits in the journal."""
        self._retrier.is_stopping = True
        self._queue.wake()
        digesting, adopting = self._tasks
        adopting.cancel()
        done, _ = await asyncio.wait([digesting], timeout=patience_s)
        if not done:
            digesting.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def delete_mark_if_empty(self) -> None:
        """Delete the mark of the journal if its folder is gone; call it when that is closed."""
        if self._mark is not None and not self._journal.path.exists():
            with contextlib.suppress(ServiceUnavailable):
                async with self._database.transaction() as connection:
                    await marks.delete_mark(connection, self._mark)

    async def _digest_for_ever(self) -> None:
        while True:
            try:
                if not await self._digest_next():
                    return
            except MarkMovedError:
                self._mark = None
                self._queue.fall_behind()  # so that digest goes on, from the mark
            except ServiceUnavailable as error:
                if self._retrier.is_stopping:
                    return  # the journal keeps the rest
                _logger.warning("the journal cannot be read back", error=str(error))
                self._queue.fall_behind()
                await asyncio.sleep(_IDLE_S)
            except Exception:
                # Nothing may end this loop while envelopes are accepted.
                _logger.exception("digest failed", after_seq=self._digested_seq)
                self._queue.fall_behind()
                await asyncio.sleep(_IDLE_S)

    async def _digest_next(self) -> bool:
        """Digest one batch; returns False when it is time to stop."""
        is_stopping = self._retrier.is_stopping
        if not await self._queue.wait_for_arrival(0 if is_stopping else _IDLE_S):
            await self._write_refusals()
            await self._check_mark()
            return not self._retrier.is_stopping
        mark = self._mark or await self._claim_mark()
        await self._wait_for_interval()
        batch = self._queue.take()
        if batch:
            # What was read back from disk may be in memory as well.
            new = [accepted for accepted in batch if accepted.seq > self._digested_seq]
            if new:
                await self.batches.digest_batch(mark, new, self._mark_digested)
        else:
            await self._read_back(mark)
        await self._write_refusals()
        return True

    async def _wait_for_interval(self) -> None:
        """Wait until the next batch may begin, unless a whole one is there already."""
        interval_s = _BATCH_INTERVAL_S * min(self._quotas.doors, _MOST_INTERVALS)
        remaining_s = self._batch_began_s + interval_s - monotonic_s()
        if remaining_s > 0 and self._queue.has_partial_batch and not self._retrier.is_stopping:
            await asyncio.sleep(remaining_s)
        self._batch_began_s = monotonic_s()

    def _mark_digested(self, seq: int) -> None:
        """Take note that everything up to an entry is stored."""
        self._digested_seq = seq
        self._journal.release(seq)

    async def _claim_mark(self) -> ClaimedMark:
        """Claim the mark of the own journal, at the start and whenever it was not where it was.

        Either another process has digested the journal further, while this one was held up; or
        Postgres has lost commits, and what they stored is read again.
        """
        mark = await self._retrier.retry(self._claim_once)
        if self._digested_seq:
            _logger.warning(
                "claimed the mark of the journal again",
                stored_seq=mark.stored_seq,
                digested_seq=self._digested_seq,
            )
            await self._retrier.retry(
                lambda: remove_uncommitted_objects(
                    self._database, self._objects, mark, since=mark.moved_at
                )
            )
        if mark.stored_seq < self._digested_seq:
            await self._go_back(mark)
        else:
            self._mark_digested(mark.stored_seq)
        self._mark = mark
        return mark

    async def _claim_once(self) -> ClaimedMark:
        async with self._database.transaction() as connection:
            return await marks.claim_mark(connection, self._journal.id)

    async def _go_back(self, mark: ClaimedMark) -> None:
        """Begin again after the mark: Postgres has lost what was stored after it."""
        missing = await self._journal.reopen(
            mark.stored_seq,
            until_seq=self._digested_seq,
            received_ms=units.ms_from_at(mark.moved_at),
        )
        again = self._digested_seq - mark.stored_seq - missing
        _logger.error(
            "Postgres has lost commits; their envelopes are read again from the journal",
            read_again=again,
            lost=missing,
        )
        self.lost_commits.count(read_again=again, lost=missing)
        self._digested_seq = mark.stored_seq
        self._queue.fall_behind()

    async def _check_mark(self) -> None:
        """Look now and then, while nothing is to be digested, whether Postgres has the mark.

        Files that are kept go only when this, or a commit, has shown that they are not needed.

        Raises:
            MarkMovedError: The mark is not where this process left it.
        """
        mark = self._mark
        if mark is None or not self._journal.kept_bytes:
            return
        if monotonic_s() - self._checked_s < _CHECK_S:
            return
        self._checked_s = monotonic_s()
        try:
            async with self._database.reading() as connection:
                position = await marks.read_mark(connection, mark.journal_id)
        except ServiceUnavailable:
            return
        if position != MarkPosition(mark.epoch, mark.stored_seq):
            raise MarkMovedError
        self._journal.release(self._digested_seq)

    async def _read_back(self, mark: ClaimedMark) -> None:
        """Digest what is on disk only, until nothing is."""
        until_seq = self._journal.last_seq
        entries = reader.read_entries(self._journal.path, self._digested_seq, until_seq=until_seq)
        while batch := await asyncio.to_thread(bodies.reopen_batch, entries):
            await self.batches.digest_batch(mark, batch, self._mark_digested)
        self._mark_digested(max(until_seq, self._digested_seq))
        if self._journal.last_seq == until_seq:
            self._queue.catch_up()

    async def _write_refusals(self) -> None:
        """Store the counts of what was refused before it reached the journal."""
        counts = self._refusals.take()
        if counts:
            try:
                async with self._database.transaction() as connection:
                    await project_writes.add_outcomes(connection, counts)
            except ReplayError:
                self._refusals.put_back(counts)
            else:
                self.metrics.count_items(counts)
