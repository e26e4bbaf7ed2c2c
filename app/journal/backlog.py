"""Counts what a journal holds that is not digested yet."""

from collections import deque
from dataclasses import dataclass
from typing import Final

_FINE_MARKS: Final = 1_024
"""Up to here every write is counted for itself; beyond, neighbours are counted together."""
_COARSE_ENTRIES: Final = 256


@dataclass(frozen=True, slots=True)
class Backlog:
    """What waits to be digested; `oldest_received_ms` is None when nothing does."""

    entries: int
    bytes: int
    oldest_received_ms: int | None


@dataclass(slots=True)
class _Mark:
    last_seq: int
    entries: int
    size_bytes: int
    oldest_received_ms: int


class Tally:
    """Adds up what was written and takes off what was released.

    Memory stays small however far digestion falls behind: with a long backlog up to 256 entries
    share a mark, which is taken off as a whole.
    """

    def __init__(self) -> None:
        self._marks: deque[_Mark] = deque()
        self._entries = 0
        self._bytes = 0

    def add(self, last_seq: int, *, entries: int, size_bytes: int, oldest_received_ms: int) -> None:
        """Count one write whose last entry is `last_seq`."""
        self._entries += entries
        self._bytes += size_bytes
        last = self._marks[-1] if len(self._marks) >= _FINE_MARKS else None
        if last is None or last.entries + entries > _COARSE_ENTRIES:
            self._marks.append(_Mark(last_seq, entries, size_bytes, oldest_received_ms))
            return
        last.last_seq = last_seq
        last.entries += entries
        last.size_bytes += size_bytes
        last.oldest_received_ms = min(last.oldest_received_ms, oldest_received_ms)

    def release(self, seq: int) -> None:
        """Take off the writes that end at or before `seq`."""
        while self._marks and self._marks[0].last_seq <= seq:
            mark = self._marks.popleft()
            self._entries -= mark.entries
            self._bytes -= mark.size_bytes

    def backlog(self) -> Backlog:
        """Return the figures as they are now."""
        oldest_ms = self._marks[0].oldest_received_ms if self._marks else None
        return Backlog(self._entries, self._bytes, oldest_ms)
