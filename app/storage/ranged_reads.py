"""Reads many ranges of objects with few reads: ranges that lie side by side are read at once."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from app.core.errors import NotFound
from app.storage.port import ObjectStore

BRIDGE_BYTES: Final = 16 * 1024
"""Up to this many bytes between two ranges are cheaper to read and drop than a second read."""
READS_AT_ONCE: Final = 4


@dataclass(frozen=True, slots=True)
class ObjectRange:
    """A range of bytes of a stored object."""

    object_key: str
    offset: int
    size_bytes: int

    @property
    def end(self) -> int:
        """The offset of the first byte after it."""
        return self.offset + self.size_bytes


@dataclass(slots=True)
class RangedRead:
    """One read, and the wanted ranges that it covers, by their number."""

    object_key: str
    offset: int
    end: int
    numbers: list[int]


def plan_reads(ranges: Sequence[ObjectRange], *, most_bytes: int) -> list[RangedRead]:
    """Cover ranges with reads.

    Args:
        ranges: The wanted ranges. Neighbours in this order share a read if they lie side by side.
        most_bytes: The most bytes of one read; only a range that is larger alone exceeds it.
    """
    reads: list[RangedRead] = []
    for number, wanted in enumerate(ranges):
        last = reads[-1] if reads else None
        if (
            last is not None
            and last.object_key == wanted.object_key
            and 0 <= wanted.offset - last.end <= BRIDGE_BYTES
            and wanted.end - last.offset <= most_bytes
        ):
            last.end = wanted.end
            last.numbers.append(number)
        else:
            reads.append(RangedRead(wanted.object_key, wanted.offset, wanted.end, [number]))
    return reads


async def read_ranges(
    store: ObjectStore, ranges: Sequence[ObjectRange], *, most_bytes: int
) -> list[bytes | None]:
    """Read ranges of objects, a few reads at a time.

    Args:
        store: The store to read.
        ranges: The wanted ranges, in an order in which neighbours lie side by side.
        most_bytes: The most bytes of one read.

    Returns:
        The bytes of each range; None where the object is missing or too short.

    Raises:
        ServiceUnavailable: The storage does not answer.
    """
    found: list[bytes | None] = [None] * len(ranges)
    limit = asyncio.Semaphore(READS_AT_ONCE)

    async def read_one(read: RangedRead) -> None:
        async with limit:
            try:
                data = await store.read(read.object_key, read.offset, read.end - read.offset)
            except NotFound:
                return
        for number in read.numbers:
            wanted = ranges[number]
            start = wanted.offset - read.offset
            part = data[start : start + wanted.size_bytes]
            if len(part) == wanted.size_bytes:
                found[number] = part

    reads = plan_reads(ranges, most_bytes=most_bytes)
    # Wait for all of them, so that none goes on after the failure of another was reported.
    for outcome in await asyncio.gather(*map(read_one, reads), return_exceptions=True):
        if outcome is not None:
            raise outcome
    return found
