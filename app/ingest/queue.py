"""The queue of accepted envelopes that wait for digest: in memory while they fit, else on disk.

add ─► memory ─► take ─► digest
  └─ full? ─► behind: digest reads the journal instead, until it has caught up
"""

import asyncio
from collections import deque
from contextlib import suppress
from typing import Final

import msgspec

from app.core.ids import ProjectId, PublicKey
from app.formats.wire.encoding import Body
from app.formats.wire.envelope import Envelope

BATCH_ENTRIES: Final = 256
BATCH_BYTES: Final = 16 * 1024 * 1024
"""The most that digest takes at once, from memory or from a journal."""
_FULL: Final = 0.75
"""The used part of the memory above which envelopes wait; the rest is for those already waiting."""
_MOST_WAIT_S: Final = 0.25
"""The longest time that an envelope, and so its answer, is held back until there is room."""


class AcceptedEnvelope(msgspec.Struct, frozen=True, gc=False):
    """One accepted envelope, inflated and split; the items of `envelope` are views into `body`."""

    seq: int
    """The number of its entry in the journal."""
    project_id: ProjectId
    key: PublicKey
    received_ms: int
    client_ip: str | None
    envelope: Envelope
    body: Body
    is_key_known: bool
    """False if the key was accepted while nobody could look it up; digest does so."""

    @property
    def size_bytes(self) -> int:
        """Roughly the memory that the envelope takes."""
        return len(self.body) + self.envelope.made_bytes


class EnvelopeQueue:
    """A queue with a memory limit. Use it from one event loop."""

    def __init__(self, limit_bytes: int) -> None:
        """Make an empty queue.

        Args:
            limit_bytes: The most memory that envelopes may take; beyond it they are on disk only.
        """
        self._limit_bytes = limit_bytes
        self._envelopes: deque[AcceptedEnvelope] = deque()
        self._size_bytes = 0
        self._is_behind = False
        self._arrived = asyncio.Event()
        self._has_room = asyncio.Event()
        self._has_room.set()

    @property
    def is_behind(self) -> bool:
        """True if some entries are on disk only and must be read back."""
        return self._is_behind

    def add(self, accepted: AcceptedEnvelope) -> None:
        """Put one envelope at the end; call it in the order of `seq`."""
        if not self._is_behind and self._size_bytes + accepted.size_bytes > self._limit_bytes:
            # An envelope larger than the limit passes when the queue is empty.
            self._is_behind = bool(self._envelopes)
        if not self._is_behind:
            self._envelopes.append(accepted)
            self._size_bytes += accepted.size_bytes
            if self._size_bytes > _FULL * self._limit_bytes:
                self._has_room.clear()
        else:
            self._has_room.set()  # Waiting would keep nothing in memory any more.
        self._arrived.set()

    @property
    def has_room(self) -> bool:
        """True if there is room for one more; if not, await `wait_for_room` before `add`."""
        return self._has_room.is_set()

    async def wait_for_room(self) -> None:
        """Wait until there is room, but no longer than a moment.

        A short delay of an answer costs less than reading an envelope back, which means checking
        and inflating it a second time.
        """
        if not self._has_room.is_set():
            with suppress(TimeoutError):
                await asyncio.wait_for(self._has_room.wait(), _MOST_WAIT_S)

    async def wait_for_arrival(self, timeout_s: float) -> bool:
        """Wait until an envelope has arrived; returns whether one has."""
        if not self._envelopes and not self._is_behind:
            self._arrived.clear()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._arrived.wait(), timeout_s)
        return bool(self._envelopes) or self._is_behind

    @property
    def has_partial_batch(self) -> bool:
        """True if less than a whole batch is waiting."""
        return not self._is_behind and len(self._envelopes) < BATCH_ENTRIES

    @property
    def is_filling_up(self) -> bool:
        """True if memory is half full or exceeded, so that digest should go first."""
        return self._is_behind or 2 * self._size_bytes > self._limit_bytes

    def wake(self) -> None:
        """End `wait_for_arrival` although nothing has arrived, for example to stop."""
        self._arrived.set()

    def take(self) -> list[AcceptedEnvelope]:
        """Return the next batch from memory; empty when what is left is on disk only."""
        batch: list[AcceptedEnvelope] = []
        size_bytes = 0
        while self._envelopes and len(batch) < BATCH_ENTRIES and size_bytes < BATCH_BYTES:
            accepted = self._envelopes.popleft()
            batch.append(accepted)
            size_bytes += accepted.size_bytes
        self._size_bytes -= size_bytes
        if self._size_bytes <= _FULL * self._limit_bytes:
            self._has_room.set()
        return batch

    def fall_behind(self) -> None:
        """Drop what is in memory: digest reads it from the journal, after its last mark."""
        self._envelopes.clear()
        self._size_bytes = 0
        self._is_behind = True
        self._has_room.set()

    def catch_up(self) -> None:
        """Use memory again, because everything on disk has been digested."""
        self._is_behind = False
