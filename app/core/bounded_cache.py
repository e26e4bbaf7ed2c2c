"""A cache that keeps recently used values within a budget of bytes."""

from collections.abc import Hashable
from typing import Final

_ENTRY_BYTES: Final = 200
"""Approximate memory that an entry takes beside its contents."""


class BoundedCache[Key: Hashable, Value]:
    """A cache of two generations: when the young one is full, it replaces the old one.

    An entry that is read moves to the young generation. So entries that are used again and again
    stay, at the cost of one dict lookup, and others are dropped. Several threads may use it; at
    worst they drop an entry early.
    """

    def __init__(self, limit_bytes: int) -> None:
        """Make an empty cache.

        Args:
            limit_bytes: Limit of the sizes of all entries together.
        """
        self._half_bytes = limit_bytes // 2
        self._young: dict[Key, tuple[Value, int]] = {}
        self._old: dict[Key, tuple[Value, int]] = {}
        self._young_bytes = 0

    def get(self, key: Key) -> Value | None:
        """Return the value of a key, or None if it is not in the cache."""
        entry = self._young.get(key)
        if entry is None:
            entry = self._old.get(key)
            if entry is None:
                return None
            self.put(key, entry[0], entry[1])
        return entry[0]

    def put(self, key: Key, value: Value, size_bytes: int) -> None:
        """Add a value, unless it takes more than half of the budget."""
        size_bytes += _ENTRY_BYTES
        if size_bytes > self._half_bytes:
            return
        if self._young_bytes + size_bytes > self._half_bytes:
            self._old, self._young, self._young_bytes = self._young, {}, 0
        self._young[key] = value, size_bytes - _ENTRY_BYTES
        self._young_bytes += size_bytes
