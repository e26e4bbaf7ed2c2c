"""Ranges that lie side by side are read at once, and what is missing harms no other range."""

from typing import Any

import pytest

from app.core.errors import NotFound, ServiceUnavailable
from app.storage import ranged_reads
from app.storage.ranged_reads import ObjectRange


class MemoryStore:
    """Objects in memory, and a list of the reads."""

    def __init__(self, **objects: bytes) -> None:
        self.objects = objects
        self.reads: list[tuple[str, int, int]] = []

    async def read(self, key, offset=0, length=None):
        """Read as an object store does."""
        self.reads.append((key, offset, length))
        if key == "away":
            raise ServiceUnavailable("no answer")
        if key not in self.objects:
            raise NotFound(key)
        return self.objects[key][offset : offset + length]


def make_store(**objects: bytes) -> Any:
    """Make a store that can read, which is all that is needed here."""
    return MemoryStore(**objects)


async def test_neighbours_share_a_read():
    """Ranges one after the other are read at once, also over a small hole."""
    store = make_store(a=bytes(range(100)))
    ranges = [ObjectRange("a", 10, 5), ObjectRange("a", 15, 5), ObjectRange("a", 30, 2)]
    contents = await ranged_reads.read_ranges(store, ranges, most_bytes=1_000)
    assert contents == [bytes(range(10, 15)), bytes(range(15, 20)), bytes([30, 31])]
    assert store.reads == [("a", 10, 22)]


async def test_a_read_has_at_most_so_many_bytes():
    """A range that would make a read too large begins another, even a larger one alone."""
    store = make_store(a=bytes(100))
    ranges = [ObjectRange("a", 0, 6), ObjectRange("a", 6, 6), ObjectRange("a", 12, 30)]
    await ranged_reads.read_ranges(store, ranges, most_bytes=10)
    assert sorted(store.reads) == [("a", 0, 6), ("a", 6, 6), ("a", 12, 30)]


async def test_ranges_in_another_order_are_right():
    """A range before the one it follows is read by itself."""
    store = make_store(a=bytes(range(50)))
    ranges = [ObjectRange("a", 20, 5), ObjectRange("a", 3, 2)]
    contents = await ranged_reads.read_ranges(store, ranges, most_bytes=1_000)
    assert contents == [bytes(range(20, 25)), bytes([3, 4])]


async def test_what_is_missing_is_none():
    """A range of an object that is gone, or too short, is None; the others are read."""
    store = make_store(a=b"0123456789")
    ranges = [ObjectRange("a", 0, 4), ObjectRange("a", 4, 10), ObjectRange("gone", 0, 1)]
    assert await ranged_reads.read_ranges(store, ranges, most_bytes=100) == [b"0123", None, None]


async def test_storage_that_does_not_answer_is_reported():
    """The error of a read that fails comes as it is."""
    with pytest.raises(ServiceUnavailable):
        await ranged_reads.read_ranges(make_store(), [ObjectRange("away", 0, 1)], most_bytes=100)
