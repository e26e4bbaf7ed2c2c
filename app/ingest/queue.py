"""Accepted envelopes between the door and digest: in memory while they fit, else on disk only.

add ─► accepted (memory) ─► take ─► digest
  └─ too much? ─► behind: digest reads the journal instead, until it has caught up
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
"""What digest takes at once, from memory or from a journal."""
_FULL: Final = 0.75
"""The part of its memory from which an inbox has no room; the rest is for who waits already."""
_ROOM_S: Final = 0.25
"""The longest that an answer is held back for room."""


class AcceptedEnvelope(msgspec.Struct, frozen=True, gc=False):
    """One accepted envelope, inflated and split; the items of `envelope` are views into `body`."""

    seq: int
    project_id: ProjectId
    key: PublicKey
    received_ms: int
    client_ip: str | None
    envelope: Envelope
    body: Body
    is_key_known: bool
    """False if the key was accepted unseen: digest looks it up."""

    @property
    def size_bytes(self) -> int:
        """How much memory it takes, roughly."""
        return len(self.body) + self.envelope.made_bytes


class EnvelopeQueue:
    """A queue with a memory limit. Use it from one event loop."""

    def __init__(self, limit_bytes: int) -> None:
        """Make an empty inbox.

        Args:
            limit_bytes: The most that accepted envelopes may take; beyond, only their place in the
                journal is known.
        """
        self._limit_bytes = limit_bytes
        self._fresh: deque[AcceptedEnvelope] = deque()
        self._fresh_bytes = 0
        self._is_behind = False
        self._arrived = asyncio.Event()
        self._has_room = asyncio.Event()
        self._has_room.set()

    @property
    def is_behind(self) -> bool:
        """Whether some entries are on disk only and must be read back."""
        return self._is_behind

    def add(self, accepted: AcceptedEnvelope) -> None:
        """Put one envelope at the end; call it in the order of the seqs."""
        if not self._is_behind and self._fresh_bytes + accepted.size_bytes > self._limit_bytes:
            # One larger than the limit passes when nothing else is there.
            self._is_behind = bool(self._fresh)
        if not self._is_behind:
            self._fresh.append(accepted)
            self._fresh_bytes += accepted.size_bytes
            if self._fresh_bytes > _FULL * self._limit_bytes:
                self._has_room.clear()
        else:
            self._has_room.set()  # waiting would keep nothing in memory any more
        self._arrived.set()

    @property
    def has_room(self) -> bool:
        """Whether there is room for one more; else wait for `wait_for_room` before `add`."""
        return self._has_room.is_set()

    async def wait_for_room(self) -> None:
        """Wait a moment until there is room, if there is none.

        A short delay at the door is cheaper for everybody than reading an envelope back: that
        means to check and inflate it a second time.
        """
        if not self._has_room.is_set():
            with suppress(TimeoutError):
                await asyncio.wait_for(self._has_room.wait(), _ROOM_S)

    async def wait_for_arrival(self, timeout_s: float) -> bool:
        """Wait until something has arrived; returns whether it has."""
        if not self._fresh and not self._is_behind:
            self._arrived.clear()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._arrived.wait(), timeout_s)
        return bool(self._fresh) or self._is_behind

    @property
    def is_scanty(self) -> bool:
        """Whether less than a whole batch is there."""
        return not self._is_behind and len(self._fresh) < BATCH_ENTRIES

    @property
    def is_pressing(self) -> bool:
        """Whether memory is filling up, or has: digest should go first."""
        return self._is_behind or 2 * self._fresh_bytes > self._limit_bytes

    def wake(self) -> None:
        """End the wait, though nothing has arrived: it is time to stop."""
        self._arrived.set()

    def take(self) -> list[AcceptedEnvelope]:
        """Return the next batch from memory; empty when what is left is on disk only."""
        batch: list[AcceptedEnvelope] = []
        size_bytes = 0
        while self._fresh and len(batch) < BATCH_ENTRIES and size_bytes < BATCH_BYTES:
            accepted = self._fresh.popleft()
            batch.append(accepted)
            size_bytes += accepted.size_bytes
        self._fresh_bytes -= size_bytes
        if self._fresh_bytes <= _FULL * self._limit_bytes:
            self._has_room.set()
        return batch

    def fall_behind(self) -> None:
        """Forget what is in memory: the journal has it, and is read from the last mark on."""
        self._fresh.clear()
        self._fresh_bytes = 0
        self._is_behind = True
        self._has_room.set()

    def caught_up(self) -> None:
        """Say that everything on disk has been digested: memory may be used again."""
        self._is_behind = False
