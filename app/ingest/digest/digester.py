"""Digests accepted envelopes: batches from the inbox, or from a journal, into rows and objects.

    inbox (memory) ─┐
    own journal ────┼─► expand each ─► store the batch (one transaction, mark in it) ─► release
    dead journals ──┘

A batch that fails is taken entry by entry; an entry that fails five times on its content goes to
quarantine. Postgres or the object storage being down, or Postgres lacking a table, a right or a
setting, never counts against an entry: the batch waits and is tried again.
"""

import asyncio
import contextlib
import itertools
import random
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Final, TypeVar

from app.core import log
from app.core.clock import monotonic_s
from app.core.errors import ReplayError, ServiceUnavailable
from app.core.ids import ProjectId, PublicKey
from app.db.engine import Database
from app.ingest import bodies
from app.ingest.admission.admission import IngestAdmission
from app.ingest.digest import marks
from app.ingest.digest.marks import JournalRange
from app.ingest.digest.prepare import open_envelope, prepare_items, refuse_envelope
from app.ingest.digest.store import (
    EnvelopeToQuarantine,
    LaidOutBatch,
    replays_to_picture,
    store_batch,
)
from app.ingest.items.context import ReceivedItem
from app.ingest.items.item_type import PreparedBatch
from app.ingest.queue import AcceptedEnvelope, EnvelopeQueue
from app.journal import adopt, reader
from app.journal.writer import Journal
from app.projects import queries as project_queries, writes as project_writes
from app.replays.model import ReplayKey
from app.scrub.rules import ScrubRules
from app.storage import keys
from app.storage.port import ObjectStore

_T = TypeVar("_T")
NotePictures = Callable[[Iterable[ReplayKey]], None]
"""Told of replays whose pictures may have to change; must not wait for anything."""

_TRIES: Final = 5
_BACKOFF_S: Final = (0.2, 1.0, 2.5, 5.0)
_INLINE_BYTES: Final = 512 * 1024
"""Above this, reading an envelope would hold the event loop for milliseconds."""
_IDLE_S: Final = 1.0
_RHYTHM_S: Final = 0.15
"""Batches begin no sooner after one another: at 200 envelopes a second thirty share a commit, where
each costs half of what it does among ten. The first envelope after a pause does not wait."""
_TURN_S: Final = 0.004
_PRESSING_TURN_S: Final = 0.1
"""How long digest holds the event loop at a time; longer when the door brings more than it digests,
since what does not fit into memory must be read back, at half the price again."""
_ANSWER_S: Final = 0.002
"""How long digest waits, between two turns, for the journal to write what came meanwhile: its
senders would wait for the whole of the next turn. Not while more comes than it digests."""
_TOGETHER: Final = 16
_PRESSING_TOGETHER: Final = 64
"""Items that are read together, which takes 3 to 8 ms, or longer as above."""
_TOGETHER_BYTES: Final = 2 * 1024 * 1024
"""What their envelopes hold at most, or four times as much."""
_ADOPT_S: Final = 60.0

_logger: Final = log.get_logger("ingest.digest")


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
        rules: ScrubRules,
        note_pictures: NotePictures,
    ) -> None:
        self._database = database
        self._objects = objects
        self._journal = journal
        self._queue = queue
        self._refusals = admission.refusals
        self._quotas = admission.quotas
        self._rules = rules
        self._note_pictures = note_pictures
        self._digested_seq = 0
        self._began_s = 0.0
        self._orphans: list[str] = []
        """Packs of tries that failed; the next batch that is stored gives them to the sweep."""
        self._tasks: list[asyncio.Task[None]] = []
        self._is_stopping = False
        self.away: ServiceUnavailable | None = None
        """Why a batch waits for Postgres or storage; None while none does."""

    def start(self) -> None:
        """Begin to digest, and to adopt the journals of dead processes."""
        self._tasks = [
            asyncio.create_task(self._run(), name="digest"),
            asyncio.create_task(self._adopt_for_ever(), name="digest: adopt"),
        ]

    async def stop(self, *, patience_s: float = 10.0) -> None:
        """Finish what is in memory, as far as it goes; the rest waits in the journal."""
        self._is_stopping = True
        self._queue.wake()
        run, adopting = self._tasks
        adopting.cancel()
        done, _ = await asyncio.wait([run], timeout=patience_s)
        if not done:
            run.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def delete_mark_if_empty(self) -> None:
        """Forget how far the journal was digested, if its folder is gone; call it when closed."""
        if not self._journal.path.exists():
            with contextlib.suppress(ServiceUnavailable):
                await self._delete_mark(self._journal.id)

    async def _run(self) -> None:
        while True:
            try:
                if not await self._step():
                    return
            except ServiceUnavailable as error:
                if self._is_stopping:
                    return  # the journal keeps the rest
                _logger.warning("the journal cannot be read back", error=str(error))
                self._queue.fall_behind()
                await asyncio.sleep(_IDLE_S)
            except Exception:
                # Nothing may end this loop while envelopes are accepted.
                _logger.exception("digest failed", after_seq=self._digested_seq)
                self._queue.fall_behind()
                await asyncio.sleep(_IDLE_S)

    async def _step(self) -> bool:
        """Digest one batch; returns False when it is time to stop."""
        has_more = await self._queue.wait_for_arrival(0 if self._is_stopping else _IDLE_S)
        if not has_more:
            await self._write_refusals()
            return not self._is_stopping
        await self._keep_rhythm()
        batch = self._queue.take()
        if batch:
            # What was read back from disk may stand in memory as well.
            new = [accepted for accepted in batch if accepted.seq > self._digested_seq]
            if new:
                await self._digest(self._journal.id, new)
                self._advance(new[-1].seq)
        else:
            await self._read_back()
        await self._write_refusals()
        return True

    async def _keep_rhythm(self) -> None:
        rest_s = self._began_s + _RHYTHM_S - monotonic_s()
        if rest_s > 0 and self._queue.is_scanty and not self._is_stopping:
            await asyncio.sleep(rest_s)
        self._began_s = monotonic_s()

    def _advance(self, seq: int) -> None:
        self._digested_seq = seq
        self._journal.release(seq)

    async def _read_back(self) -> None:
        """Digest what is on disk only, until nothing is."""
        until_seq = self._journal.last_seq
        entries = reader.read(self._journal.path, self._digested_seq, until_seq=until_seq)
        while batch := await asyncio.to_thread(bodies.reopen_batch, entries):
            await self._digest(self._journal.id, batch)
            self._advance(batch[-1].seq)
        self._advance(max(until_seq, self._digested_seq))
        if self._journal.last_seq == until_seq:
            self._queue.caught_up()

    async def _adopt_for_ever(self) -> None:
        while True:
            try:
                await self._adopt()
            except Exception:
                _logger.exception("adopting a journal failed")
            await asyncio.sleep(_ADOPT_S)

    async def _adopt(self) -> None:
        """Digest the journals that dead processes left, and remove them."""
        folders = await asyncio.to_thread(
            adopt.adoptable, self._journal.path.parent, self._journal.id
        )
        try:
            for folder in folders:
                try:
                    await self._adopt_one(folder)
                except ServiceUnavailable as error:
                    _logger.warning("a journal waits", journal=folder.id, error=str(error))
        finally:
            for folder in folders:
                folder.let_go()

    async def _adopt_one(self, folder: adopt.Folder) -> None:
        after_seq = await self._retry(lambda: self._claim_mark(folder.id))
        _logger.info("adopting a journal", journal=folder.id, after_seq=after_seq)
        entries = folder.read(after_seq)
        await self._retry(lambda: self._remove_unfinished(folder.id, after_seq))
        batch = await asyncio.to_thread(bodies.reopen_batch, entries)
        while batch:
            await self._digest(folder.id, batch)
            batch = await asyncio.to_thread(bodies.reopen_batch, entries)
        await asyncio.to_thread(folder.remove)
        await self._retry(lambda: self._delete_mark(folder.id))

    async def _digest(self, journal_id: str, batch: Sequence[AcceptedEnvelope]) -> None:
        """Store a batch, whatever it takes; entries that cannot be stored go to quarantine."""
        entries = JournalRange(journal_id, batch[0].seq, batch[-1].seq)
        try:
            await self._store(LaidOutBatch.of(await self._prepare_batch(batch), entries))
        except ServiceUnavailable:
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, the neighbours go on
            _logger.warning("a batch failed, taking it apart", entries=len(batch), error=str(error))
            for accepted in batch:
                await self._digest_alone(
                    accepted, JournalRange(journal_id, accepted.seq, accepted.seq)
                )
                if journal_id == self._journal.id:
                    self._advance(accepted.seq)

    async def _digest_alone(self, accepted: AcceptedEnvelope, entries: JournalRange) -> None:
        reason = ""
        for _ in range(_TRIES):
            try:
                await self._store(LaidOutBatch.of(await self._prepare_batch([accepted]), entries))
            except ServiceUnavailable:
                raise
            except Exception as error:  # noqa: BLE001 - whatever it is, the neighbours go on
                reason = f"{type(error).__name__}: {error}"
            else:
                return
        _logger.error("an envelope goes to quarantine", seq=accepted.seq, reason=log.shown(reason))
        refused = PreparedBatch()
        refuse_envelope(accepted, "quarantined", refused)
        await self._store(LaidOutBatch.of(refused, entries), EnvelopeToQuarantine(accepted, reason))

    async def _store(
        self, batch: LaidOutBatch, quarantine: EnvelopeToQuarantine | None = None
    ) -> None:
        orphans = tuple(self._orphans)
        tries = itertools.count()

        async def step() -> None:
            await store_batch(
                self._database,
                self._objects,
                batch,
                quarantine=quarantine,
                orphans=orphans,
                is_again=next(tries) > 0,
            )

        try:
            await self._retry(step)
        except Exception:
            if batch.pack.parts:
                self._orphans.append(batch.pack.key)
            raise
        self._orphans = [key for key in self._orphans if key not in orphans]
        self._note_pictures(replays_to_picture(batch.prepared))

    async def _prepare_batch(self, batch: Sequence[AcceptedEnvelope]) -> PreparedBatch:
        """Read, check and scrub a batch, in turns that leave the event loop to others."""
        unknown = await self._retry(lambda: self._unknown_keys(batch))
        prepared = PreparedBatch()
        received: list[ReceivedItem] = []
        until_s = 0.0
        size_bytes = 0
        for accepted in batch:
            if monotonic_s() > until_s or self._is_enough(len(received), size_bytes):
                prepare_items(received, prepared)
                received, size_bytes = [], 0
                await _give_way()
                if not self._queue.is_pressing:
                    await self._journal.written(_ANSWER_S)
                turn_s = _PRESSING_TURN_S if self._queue.is_pressing else _TURN_S
                until_s = monotonic_s() + turn_s
            if (accepted.key, accepted.project_id) in unknown:
                refuse_envelope(accepted, "unknown_key", prepared)
                continue
            is_full = self._quotas.is_full(accepted.project_id)
            items = open_envelope(accepted, self._rules, prepared, is_full=is_full)
            if accepted.size_bytes > _INLINE_BYTES:
                await asyncio.to_thread(prepare_items, items, prepared)
            else:
                received += items
                size_bytes += accepted.size_bytes
        prepare_items(received, prepared)
        return prepared

    def _is_enough(self, items: int, size_bytes: int) -> bool:
        """Tell whether so much is for one turn."""
        most = _PRESSING_TOGETHER if self._queue.is_pressing else _TOGETHER
        return items >= most or size_bytes >= _TOGETHER_BYTES * most // _TOGETHER

    async def _unknown_keys(
        self, batch: Sequence[AcceptedEnvelope]
    ) -> set[tuple[PublicKey, ProjectId]]:
        """Find keys that were accepted unseen, while Postgres was away, and are none."""
        unseen = {
            (accepted.key, accepted.project_id) for accepted in batch if not accepted.is_key_known
        }
        if not unseen:
            return set()
        async with self._database.reading() as connection:
            records = await project_queries.key_records(connection, [key for key, _ in unseen])
        return {
            (key, project_id)
            for key, project_id in unseen
            # One that was switched off since counts: its envelope has been answered 200.
            if key not in records or records[key].project_id != project_id
        }

    async def _remove_unfinished(self, journal_id: str, after_seq: int) -> None:
        """Remove the packs that a dead process stored for batches it never committed."""
        for prefix in keys.pack_blocks(journal_id, after_seq + 1):
            for found in await self._objects.list(prefix):
                if keys.pack_seq(found.key) > after_seq:
                    await self._objects.delete(found.key)

    async def _claim_mark(self, journal_id: str) -> int:
        async with self._database.transaction() as connection:
            return await marks.claim_mark(connection, journal_id)

    async def _delete_mark(self, journal_id: str) -> None:
        async with self._database.transaction() as connection:
            await marks.delete_mark(connection, journal_id)

    async def _write_refusals(self) -> None:
        counts = self._refusals.take()
        if counts:
            try:
                async with self._database.transaction() as connection:
                    await project_writes.add_outcomes(connection, counts)
            except ReplayError:
                self._refusals.put_back(counts)

    async def _retry(self, step: Callable[[], Awaitable[_T]]) -> _T:
        """Run a step until its keepers are there."""
        tries = 0
        while True:
            try:
                found = await step()
            except ServiceUnavailable as error:
                self.away = error
                pause_s = _BACKOFF_S[min(tries, len(_BACKOFF_S) - 1)]
                tries += 1
                _logger.warning("a keeper is away", error=str(error), next_try_s=pause_s)
                if self._is_stopping:
                    raise
                await asyncio.sleep(pause_s * random.uniform(0.8, 1.2))  # noqa: S311 - jitter
            else:
                if tries:
                    self.away = None
                return found


async def _give_way() -> None:
    """Let other requests have their turn.

    The first pause ends when the loop has looked at its sockets, ahead of what it found there; the
    second when that is done too. With one, an answer waited for three turns of digest mostly.
    """
    await asyncio.sleep(0)
    await asyncio.sleep(0)
