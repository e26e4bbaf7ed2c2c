"""Reads byte ranges of a replay's virtual stream from the stored objects.

    range ─ records it touches ─ parts (made header | bytes of an object) ─ reads ─ bytes

Samples of a segment lie next to one another, so neighbouring parts become one read.
"""

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Final

from app.core import log
from app.core.errors import NotFound
from app.playback.video.index import Gop, PlaybackIndex
from app.storage.port import ObjectStore

READ_BYTES: Final = 1024 * 1024
"""The most one read asks for, unless one part alone is longer."""
_BRIDGE_BYTES: Final = 16 * 1024
"""Up to this many bytes between two parts are cheaper to read and drop than a second read."""

_log = log.get_logger("playback.stream")


@dataclass(frozen=True, slots=True)
class StreamPart:
    """A piece of the answer: `made` bytes, or `length` bytes of an object from `offset` on."""

    key: str
    offset: int
    length: int
    made: bytes = b""


@dataclass(slots=True)
class _ReadBatch:
    """Parts that one read serves; `low` and `high` bound the bytes of the object."""

    parts: list[StreamPart]
    key: str = ""
    low: int = 0
    high: int = 0

    def takes(self, part: StreamPart) -> bool:
        """Widen the read to a part, unless it lies in another object or after a wide hole."""
        if part.made:
            return True
        if not self.key:
            self.key, self.low, self.high = part.key, part.offset, part.offset + part.length
            return True
        low, high = min(self.low, part.offset), max(self.high, part.offset + part.length)
        wanted = part.length + sum(known.length for known in self.parts if not known.made)
        if part.key != self.key or high - low > READ_BYTES or high - low - wanted > _BRIDGE_BYTES:
            return False
        self.low, self.high = low, high
        return True


def find_stream_parts(index: PlaybackIndex, start: int, end: int) -> Iterator[StreamPart]:
    """Yield the parts of the stream's bytes from `start` up to, not including, `end`."""
    for gop in index.gops[_find_record(index, start) :]:
        if gop.offset >= end:
            return
        yield from _find_record_parts(gop, start - gop.offset, end - gop.offset)


def _find_record(index: PlaybackIndex, offset: int) -> int:
    """Find the record that holds a byte of the stream."""
    low, high = 0, len(index.gops)
    while low < high:
        middle = (low + high) // 2
        if index.gops[middle].offset + index.gops[middle].size_bytes <= offset:
            low = middle + 1
        else:
            high = middle
    return low


def _find_record_parts(gop: Gop, start: int, end: int) -> Iterator[StreamPart]:
    """Yield the parts of one record between two offsets from its beginning."""
    made = gop.header[max(0, start) : max(0, end)]
    if made:
        yield StreamPart(gop.object_key, 0, len(made), made)
    at = len(gop.header)
    for span in gop.spans:
        first, last = max(0, start - at), min(span.length, end - at)
        if first < last:
            yield StreamPart(gop.object_key, span.offset + first, last - first)
        at += span.length


def _group_parts(parts: Iterator[StreamPart]) -> Iterator[_ReadBatch]:
    """Group parts, in order, so that each group needs at most one read."""
    batch = _ReadBatch([])
    for part in parts:
        if not batch.takes(part):
            yield batch
            batch = _ReadBatch([])
            batch.takes(part)
        batch.parts.append(part)
    if batch.parts:
        yield batch


async def read_stream(
    store: ObjectStore, index: PlaybackIndex, start: int, end: int
) -> AsyncIterator[bytes]:
    """Yield the stream's bytes from `start` up to, not including, `end`.

    An object that has vanished or is too short ends the answer early: the bytes before it are
    right, and the page asks again from there.

    Raises:
        NotFound: Nothing of the range can be read; raised before the first byte.
        ServiceUnavailable: Storage is down.
    """
    begun = False
    for batch in _group_parts(find_stream_parts(index, start, end)):
        try:
            data = await _read_batch(store, batch)
        except NotFound:
            if not begun:
                raise
            _log.warning("playback_object_missing", object_key=batch.key)
            return
        begun = True
        yield data


async def _read_batch(store: ObjectStore, batch: _ReadBatch) -> bytes:
    """Read what a batch needs in one go and cut it into its parts, in order."""
    source = memoryview(b"")
    if batch.key:
        length = batch.high - batch.low
        source = memoryview(await store.read(batch.key, batch.low, length))
        if len(source) != length:
            raise NotFound(f"{batch.key} holds {len(source)} of {length} bytes at {batch.low}")
    return b"".join(
        part.made or source[part.offset - batch.low :][: part.length] for part in batch.parts
    )
