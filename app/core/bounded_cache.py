"""Remembers what was found about things seen lately, within a budget of bytes."""

from collections.abc import Hashable
from typing import Final

_EACH_BYTES: Final = 200
"""What Python takes for an entry beside its contents, roughly."""


class BoundedCache[Key: Hashable, Value]:
    """A cache of two generations: when the young one is full, it becomes the old one.

    What is asked for moves to the young one. So what comes again and again stays, for the price
    of one look into a dict, and what came once is forgotten. It may be used by several threads:
    the worst that happens is that something is forgotten early.
    """

    def __init__(self, limit_bytes: int) -> None:
        """Make an empty cache.

        Args:
            limit_bytes: The most that all entries take, by what `put` is told.
        """
        self._half_bytes = limit_bytes // 2
        self._young: dict[Key, tuple[Value, int]] = {}
        self._old: dict[Key, tuple[Value, int]] = {}
        self._young_bytes = 0

    def get(self, key: Key) -> Value | None:
        """Return what was found about a key; None if that is not known."""
        found = self._young.get(key)
        if found is None:
            found = self._old.get(key)
            if found is None:
                return None
            self.put(key, found[0], found[1])
        return found[0]

    def put(self, key: Key, value: Value, size_bytes: int) -> None:
        """Remember a value; one that takes more than half of the budget is not kept."""
        size_bytes += _EACH_BYTES
        if size_bytes > self._half_bytes:
            return
        if self._young_bytes + size_bytes > self._half_bytes:
            self._old, self._young, self._young_bytes = self._young, {}, 0
        self._young[key] = value, size_bytes - _EACH_BYTES
        self._young_bytes += size_bytes
