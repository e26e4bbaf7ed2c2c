"""Counts the entries of a journal that are not digested yet."""

from collections import deque
from dataclasses import dataclass
from typing import Final

_FINE_MARKS: Final = 1_024
"""The number of writes that are counted one by one; beyond it, neighbours are counted together."""
_COARSE_ENTRIES: Final = 256
"""The most entries that are counted together."""


@dataclass(frozen=True, slots=True)
class Backlog:
    """The entries that wait to be digested."""

    entries: int
    bytes: int
    oldest_received_ms: int | None
    """The time at which the oldest of them was received, or None if none waits."""


@dataclass(slots=True)
class _WriteCount:
    """The entries of one write, or of neighbouring ones."""

    last_seq: int
    entries: int
    size_bytes: int
    oldest_received_ms: int


class BacklogCounter:
    """Adds up the entries that were written, and subtracts those that were released.

    Memory stays small however far digest falls behind: in a long backlog up to 256 entries share
    one count, which is subtracted as a whole.
    """

    def __init__(self) -> None:
        self._writes: deque[_WriteCount] = deque()
        self._entries = 0
        self._bytes = 0

    def add(self, last_seq: int, *, entries: int, size_bytes: int, oldest_received_ms: int) -> None:
        """Count one write whose last entry is `last_seq`."""
        self._entries += entries
        self._bytes += size_bytes
        last = self._writes[-1] if len(self._writes) >= _FINE_MARKS else None
        if last is None or last.entries + entries > _COARSE_ENTRIES:
            self._writes.append(_WriteCount(last_seq, entries, size_bytes, oldest_received_ms))
            return
        last.last_seq = last_seq
        last.entries += entries
        last.size_bytes += size_bytes
        last.oldest_received_ms = min(last.oldest_received_ms, oldest_received_ms)

    def release(self, seq: int) -> None:
        """Subtract the writes that end at or before `seq`."""
        while self._writes and self._writes[0].last_seq <= seq:
            write = self._writes.popleft()
            self._entries -= write.entries
            self._bytes -= write.size_bytes

    def reopen(self, seq: int, *, until_seq: int, size_bytes: int, received_ms: int) -> None:
        """Count entries again that were released, because Postgres has lost them.

        Args:
            seq: The last entry that is stored.
            until_seq: The last entry that had been released.
            size_bytes: About what they take.
            received_ms: About when the first of them was received.
        """
        self._entries += until_seq - seq
        self._bytes += size_bytes
        self._writes.appendleft(_WriteCount(until_seq, until_seq - seq, size_bytes, received_ms))

    def backlog(self) -> Backlog:
        """Return the sums as they are now."""
        oldest_ms = self._writes[0].oldest_received_ms if self._writes else None
        return Backlog(self._entries, self._bytes, oldest_ms)
