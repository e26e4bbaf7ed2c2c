"""Copies what waits for digest longer than a second into the bucket, so that it outlives its host.

    every 0.2 s: has an entry waited for a second? ─► read everything that waits ─► encrypt ─► put
                 is a spilled file digested?        ─► delete it

While digest keeps up, this compares two numbers and does nothing else. A bucket that does not
answer leaves entries in the journal alone, as before; a Postgres that does not answer stops nothing
here, since the key is in memory.
"""

import asyncio
import contextlib
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from app.core import log
from app.core.clock import monotonic_s
from app.core.errors import ServiceUnavailable
from app.ingest.spill.cipher import SpillKey, encrypt_entries
from app.ingest.spill.key_ring import SpillKeyRing
from app.ingest.spill.metrics import SpillMetrics
from app.journal import reader
from app.journal.entry import HEAD_BYTES, JournalEntry
from app.journal.writer import Journal
from app.storage import keys
from app.storage.port import ObjectStore

FILE_BYTES: Final = 4 * 1024 * 1024
"""The most that a spilled file holds, unless a single entry is larger."""
_META_BYTES: Final = 256
"""About what the facts of a request take beside its body."""
_TICK_S: Final = 0.2
_PAUSE_S: Final = 1.0
"""The pause after the bucket, or a disk, did not answer."""
_KEY_AGAIN_S: Final = 5.0
_STOP_S: Final = 3.0
"""The seconds for which a stopping process waits for the bucket, to delete digested files."""

_logger: Final = log.get_logger("ingest.spill")


@dataclass(frozen=True, slots=True)
class SpillOptions:
    """The settings by which a process spills."""

    key_ring: SpillKeyRing
    after_s: float
    """The seconds for which an entry waits for digest before it is spilled."""


@dataclass(frozen=True, slots=True)
class SpilledFile:
    """A file of this journal that is in the bucket."""

    key: str
    last_seq: int


class Spiller:
    """Spills the journal of this process. Use it from one event loop."""

    def __init__(
        self, objects: ObjectStore, journal: Journal, key_ring: SpillKeyRing, *, after_s: float
    ) -> None:
        """Make one; it spills nothing before `start`.

        Args:
            objects: The bucket.
            journal: The journal.
            key_ring: The keys.
            after_s: The time for which an entry waits for digest before it is spilled.
        """
        self._objects = objects
        self._journal = journal
        self.key_ring: Final = key_ring
        self._after_s = max(0.0, after_s - _TICK_S)
        self._files: deque[SpilledFile] = deque()
        self._unsure: set[str] = set()
        """Files whose put ended without an answer: they may be there."""
        self._reopenings = 0
        self._sample: tuple[float, int] | None = None
        """A moment, and the last entry then; it is kept until that entry is safe."""
        self._key_asked_s = float("-inf")
        self._is_failing = False
        self._task: asyncio.Task[None] | None = None
        self.metrics: Final = SpillMetrics(lambda: len(self._files))

    @property
    def spilled_seq(self) -> int | None:
        """The last entry that is in the bucket; None if none is."""
        return self._files[-1].last_seq if self._files else None

    def start(self) -> None:
        """Begin to watch the journal."""
        self._task = asyncio.create_task(self._spill_for_ever(), name="spill")

    async def stop(self) -> None:
        """Stop, and delete what has been digested; files of other entries stay for an adopter."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        with contextlib.suppress(ServiceUnavailable, TimeoutError):
            async with asyncio.timeout(_STOP_S):
                await self._delete_digested()

    async def _spill_for_ever(self) -> None:
        while True:
            pause_s = _TICK_S
            try:
                await self._keep_key_fresh()
                await self._delete_digested()
                if self._is_due():
                    await self._spill_waiting()
                self._is_failing = False
            except ServiceUnavailable as error:
                pause_s = _PAUSE_S
                self.metrics.count_failure()
                if not self._is_failing:  # not with every try: an outage may last for hours
                    _logger.warning("entries wait in the journal alone", error=str(error))
                self._is_failing = True
            except Exception:
                _logger.exception("spilling failed")
                pause_s = _PAUSE_S
            await asyncio.sleep(pause_s)

    async def _keep_key_fresh(self) -> None:
        now_s = monotonic_s()
        if self.key_ring.is_fresh or now_s - self._key_asked_s < _KEY_AGAIN_S:
            return
        self._key_asked_s = now_s
        with contextlib.suppress(ServiceUnavailable):
            await self.key_ring.refresh()

    def _safe_seq(self) -> int:
        """Return the entry up to which everything is digested or in the bucket."""
        return max(self._journal.released_seq, self.spilled_seq or 0)

    def _is_due(self) -> bool:
        """Tell whether an entry has waited for as long as entries may."""
        safe_seq, last_seq = self._safe_seq(), self._journal.last_seq
        if last_seq <= safe_seq:
            self._sample = None
            return False
        if self._sample is None or self._sample[1] <= safe_seq:
            self._sample = (monotonic_s(), last_seq)
        return monotonic_s() - self._sample[0] >= self._after_s

    async def _spill_waiting(self) -> None:
        """Put everything that is on disk now, and neither digested nor in the bucket."""
        key = self.key_ring.current
        if key is None:
            return
        until_seq = self._journal.last_seq
        while (after_seq := self._safe_seq()) < until_seq:
            reopenings = self._journal.reopenings
            object_key, last_seq, content = await asyncio.to_thread(
                self._make_file, key, after_seq, until_seq
            )
            if content is None:
                return
            self._unsure.add(object_key)
            await self._objects.put(object_key, content)
            self._unsure.remove(object_key)
            self.metrics.count_file(sum(map(len, content)))
            self._files.append(SpilledFile(object_key, last_seq))
            if reopenings != self._journal.reopenings:
                return  # what is before this file may have to be spilled as well

    def _make_file(
        self, key: SpillKey, after_seq: int, until_seq: int
    ) -> tuple[str, int, list[bytes] | None]:
        """Read and encrypt the next entries; this blocks."""
        entries = reader.read_entries(self._journal.path, after_seq, until_seq=until_seq)
        taken = _take_entries(entries)
        # Entries that could not be written leave their numbers out, also at the end.
        last_seq = taken[-1].seq if taken else until_seq
        object_key = keys.make_spill_key(self._journal.id, after_seq + 1, last_seq, key.id)
        return object_key, last_seq, encrypt_entries(key, object_key, taken) if taken else None

    async def _delete_digested(self) -> None:
        for key in tuple(self._unsure):
            await self._objects.delete(key)
            self._unsure.remove(key)
        if self._reopenings != self._journal.reopenings:
            # Postgres has lost what was stored. Files without those before them would be adopted as
            # if nothing were missing, so all go, and what waits is spilled again in one row.
            self.key_ring.expire()
            await self._delete_files(len(self._files))
            self._reopenings = self._journal.reopenings
        digested = sum(file.last_seq <= self._journal.released_seq for file in self._files)
        await self._delete_files(digested)

    async def _delete_files(self, number: int) -> None:
        for _ in range(number):
            await self._objects.delete(self._files[0].key)
            self._files.popleft()


def _take_entries(entries: Iterator[JournalEntry]) -> list[JournalEntry]:
    """Take as many entries as one file may hold; at least one, if there is any."""
    taken: list[JournalEntry] = []
    size_bytes = 0
    for entry in entries:
        size_bytes += len(entry.body) + HEAD_BYTES + _META_BYTES
        if taken and size_bytes > FILE_BYTES:
            break
        taken.append(entry)
    return taken
