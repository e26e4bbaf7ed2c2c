"""Digests one batch of envelopes, whatever it takes.

    prepare in turns ─► store (one transaction) ─ fails ─► each envelope alone ─ fails ─► quarantine

A batch that fails is taken apart; an envelope that fails five times on its content goes to
quarantine. Postgres or the object storage being down, or Postgres lacking a table, a right or a
setting, never counts against an envelope: the batch waits and is tried again.
"""

import asyncio
import itertools
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Final

from app.core import clock, log, tracing
from app.core.clock import monotonic_s
from app.core.errors import ServiceUnavailable
from app.core.ids import ProjectId, PublicKey
from app.db.engine import Database
from app.ingest.admission.quotas import Quotas
from app.ingest.digest.marks import ClaimedMark, JournalRange, MarkMovedError
from app.ingest.digest.metrics import DigestMetrics
from app.ingest.digest.prepare import open_envelope, prepare_items, refuse_envelope
from app.ingest.digest.read_days import DayMemory
from app.ingest.digest.retry import StepRetrier
from app.ingest.digest.store import (
    BatchObjects,
    EnvelopeToQuarantine,
    LaidOutBatch,
    replays_to_picture,
    store_batch,
)
from app.ingest.digest.symbolicate import BatchSymbolicator
from app.ingest.items.context import ReceivedItem
from app.ingest.items.item_type import PreparedBatch
from app.ingest.queue import AcceptedEnvelope, EnvelopeQueue
from app.journal.writer import Journal
from app.messages.wanted import WantedSignals
from app.projects import queries as project_queries
from app.projects.model import OutcomeKey
from app.projects.rule_cache import RuleCache
from app.replays.model import ReplayKey
from app.storage.port import ObjectStore

NotePictures = Callable[[Iterable[ReplayKey]], None]
"""Called with replays whose pictures may have to change; it must not wait for anything."""

_TRIES: Final = 5
_INLINE_BYTES: Final = 512 * 1024
"""A larger envelope would hold the event loop for milliseconds, so it is prepared in a thread."""
_TURN_S: Final = 0.004
_BUSY_TURN_S: Final = 0.1
"""The seconds for which digest holds the event loop at a time. They are more while it falls behind,
because envelopes that do not fit into memory must be read back, which costs half as much again."""
_ANSWER_S: Final = 0.002
"""The seconds between two turns in which the journal writes what arrived meanwhile: its senders
would wait for the whole next turn otherwise. Digest does not pause while it falls behind."""
_TOGETHER: Final = 16
_BUSY_TOGETHER: Final = 64
"""Items that are prepared together, which takes 3 to 8 ms, or longer as above."""
_TOGETHER_BYTES: Final = 2 * 1024 * 1024
"""The most that the envelopes of those items hold, or four times as much while memory fills up."""

_logger: Final = log.get_logger("ingest.digest")


class BatchDigester:
    """Turns batches of one process into rows and objects. Use it from one event loop."""

    def __init__(
        self,
        database: Database,
        objects: ObjectStore,
        journal: Journal | None,
        *,
        queue: EnvelopeQueue,
        quotas: Quotas,
        rules: RuleCache,
        retrier: StepRetrier,
        note_pictures: NotePictures,
        symbolicator: BatchSymbolicator | None = None,
        wanted: WantedSignals | None = None,
    ) -> None:
        self._database = database
        self._objects = objects
        self._journal = journal
        self._queue = queue
        self._quotas = quotas
        self._rules = rules
        self._retrier = retrier
        self._note_pictures = note_pictures
        self._symbolicator = symbolicator
        self._wanted = wanted
        self.metrics: Final = DigestMetrics()
        self._memory = DayMemory()
        self._orphans: list[BatchObjects] = []
        """Objects of tries that failed; the next batch that is stored gives them to the sweep."""

    async def digest_batch(
        self,
        mark: ClaimedMark,
        batch: Sequence[AcceptedEnvelope],
        on_stored: Callable[[int], None] = lambda _seq: None,
    ) -> None:
        """Store a batch; envelopes that cannot be stored go to quarantine.

        Args:
            mark: The mark of the journal that the envelopes are from, claimed by this process.
            batch: Envelopes in the order of their entries; at least one.
            on_stored: Called with the last entry up to which everything is stored.

        Raises:
            ServiceUnavailable: Postgres or storage fails, and the process is about to end.
            MarkMovedError: Another process digests this journal, or Postgres went back in time.
        """
        began_s = monotonic_s()
        with tracing.span("digest batch", {"playhead.envelopes": len(batch)}):
            await self._digest_together(mark, batch, on_stored)
        self.metrics.count_batch(
            began_s=began_s,
            lag_s=(clock.now_ms() - batch[0].received_ms) / 1000,
            envelopes=len(batch),
        )

    async def _digest_together(
        self,
        mark: ClaimedMark,
        batch: Sequence[AcceptedEnvelope],
        on_stored: Callable[[int], None],
    ) -> None:
        """Store a batch at once; if that fails, envelope by envelope."""
        entries = JournalRange(mark.journal_id, batch[0].seq, batch[-1].seq)
        try:
            prepared = await self._prepare_batch(batch)
            await self._store(LaidOutBatch.of(prepared, entries), mark)
        except (ServiceUnavailable, MarkMovedError):
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, the neighbours go on
            _logger.warning("a batch failed, taking it apart", entries=len(batch), error=str(error))
            for accepted in batch:
                await self._digest_alone(accepted, mark)
                on_stored(accepted.seq)
        else:
            on_stored(batch[-1].seq)

    async def _digest_alone(self, accepted: AcceptedEnvelope, mark: ClaimedMark) -> None:
        """Store one envelope, or put it aside after its last try."""
        entries = JournalRange(mark.journal_id, accepted.seq, accepted.seq)
        reason = ""
        for _ in range(_TRIES):
            try:
                prepared = await self._prepare_batch([accepted])
                await self._store(LaidOutBatch.of(prepared, entries), mark)
            except (ServiceUnavailable, MarkMovedError):
                raise
            except Exception as error:  # noqa: BLE001 - whatever it is, the neighbours go on
                reason = f"{type(error).__name__}: {error}"
            else:
                return
        _logger.error("an envelope goes to quarantine", seq=accepted.seq, reason=log.shown(reason))
        refused = PreparedBatch(day=self._memory.clock.today())
        refuse_envelope(accepted, "quarantined", refused)
        quarantine = EnvelopeToQuarantine(accepted, reason)
        await self._store(LaidOutBatch.of(refused, entries), mark, quarantine)

    async def _prepare_batch(self, batch: Sequence[AcceptedEnvelope]) -> PreparedBatch:
        """Read, check and scrub a batch, in turns that leave the event loop to others."""
        await self._retrier.retry(self._rules.ensure_fresh)
        unknown = await self._retrier.retry(lambda: self._find_unknown_keys(batch))
        with self.metrics.time_step("prepare"):
            prepared = await self._prepare_in_turns(batch, unknown)
        if prepared.to_symbolicate and self._symbolicator is not None:
            with self.metrics.time_step("symbolicate"):
                await self._symbolicator.symbolicate_batch(prepared)
        return prepared

    async def _prepare_in_turns(
        self, batch: Sequence[AcceptedEnvelope], unknown: set[tuple[PublicKey, ProjectId]]
    ) -> PreparedBatch:
        prepared = PreparedBatch(day=self._memory.clock.today())
        received: list[ReceivedItem] = []
        size_bytes = 0
        turn_ends_s = 0.0
        for accepted in batch:
            if monotonic_s() > turn_ends_s or self._is_enough(len(received), size_bytes):
                prepare_items(received, prepared)
                received, size_bytes = [], 0
                turn_ends_s = await self._wait_for_turn()
            if (accepted.key, accepted.project_id) in unknown:
                refuse_envelope(accepted, "unknown_key", prepared)
                continue
            is_full = self._quotas.is_full(accepted.project_id)
            rules = self._rules.find(accepted.project_id)
            received += open_envelope(accepted, rules, prepared, is_full=is_full)
            size_bytes += accepted.size_bytes
            if accepted.size_bytes > _INLINE_BYTES:
                # Items before it go along, so that everything is prepared in the order of arrival.
                await asyncio.to_thread(prepare_items, received, prepared)
                received, size_bytes = [], 0
        prepare_items(received, prepared)
        return prepared

    async def _wait_for_turn(self) -> float:
        """Let others have the event loop; returns when the next turn of digest ends."""
        await _yield_to_event_loop()
        if self._journal is not None and not self._queue.is_filling_up:
            await self._journal.wait_for_batch(_ANSWER_S)
        return monotonic_s() + (_BUSY_TURN_S if self._queue.is_filling_up else _TURN_S)

    def _is_enough(self, items: int, size_bytes: int) -> bool:
        """Tell whether the items at hand are enough for one turn."""
        most = _BUSY_TOGETHER if self._queue.is_filling_up else _TOGETHER
        return items >= most or size_bytes >= _TOGETHER_BYTES * most // _TOGETHER

    async def _find_unknown_keys(
        self, batch: Sequence[AcceptedEnvelope]
    ) -> set[tuple[PublicKey, ProjectId]]:
        """Find the keys that were accepted while Postgres was away, and that nobody has."""
        unseen = {
            (accepted.key, accepted.project_id) for accepted in batch if not accepted.is_key_known
        }
        if not unseen:
            return set()
        async with self._database.reading() as connection:
            records = await project_queries.read_key_records(connection, [key for key, _ in unseen])
        return {
            (key, project_id)
            for key, project_id in unseen
            # A key that was switched off since counts: its envelope has been answered 200.
            if key not in records or records[key].project_id != project_id
        }

    async def _store(
        self,
        batch: LaidOutBatch,
        mark: ClaimedMark,
        quarantine: EnvelopeToQuarantine | None = None,
    ) -> None:
        """Store a batch as soon as Postgres and storage answer."""
        orphans = tuple(self._orphans)
        tries = itertools.count()

        async def store_once() -> Counter[OutcomeKey]:
            return await store_batch(
                self._database,
                self._objects,
                batch,
                mark,
                quarantine=quarantine,
                orphans=orphans,
                memory=self._memory,
                wanted=self._wanted,
                is_again=next(tries) > 0,
            )

        try:
            with self.metrics.time_step("store"):
                outcomes = await self._retrier.retry(store_once)
        except MarkMovedError:
            raise  # its objects are discarded
        except Exception:
            self._orphans.append(batch.objects)
            raise
        self.metrics.count_items(outcomes)
        self._orphans = [each for each in self._orphans if each not in orphans]
        self._note_pictures(replays_to_picture(batch.prepared))


async def _yield_to_event_loop() -> None:
    """Let the event loop do what is due before digest goes on.

    The first pause ends when the loop has looked at its sockets, ahead of what it found there; the
    second ends when that is done too. With one, an answer mostly waited for three turns of digest.
    """
    await asyncio.sleep(0)
    await asyncio.sleep(0)
