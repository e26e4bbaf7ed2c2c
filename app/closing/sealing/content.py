"""Reads the content of a sealed object from where its parts lie, a few reads at a time."""

from collections.abc import Iterator, Sequence
from typing import Final

from app.closing.sealing.layout import SealedLayout, SealedPart
from app.closing.step import ReplayReopened
from app.core.errors import ServiceUnavailable
from app.db.engine import Database
from app.replays import sealing
from app.replays.sealing import SealableReplay
from app.storage import ranged_reads
from app.storage.port import ObjectStore

_READ_BYTES: Final = 4 * 1024 * 1024
"""The most bytes of one read of the storage, and of the recordings of one read of Postgres, unless
one part alone is larger. With a few reads at a time it bounds what is held beside the object."""

PartKey = tuple[int, str]
"""A segment, and the kind of one of its parts."""


async def read_content(
    database: Database, store: ObjectStore, replay: SealableReplay, layout: SealedLayout
) -> tuple[bytearray, set[PartKey]]:
    """Read the parts of a sealed object.

    Returns:
        The content of the object, and the parts that cannot be read because their object is gone
        or too short.

    Raises:
        ReplayReopened: A recording is no longer where it was.
        ServiceUnavailable: Postgres or storage does not answer.
    """
    content = bytearray(layout.size_bytes)
    for parts in _split_parts([part for part in layout.parts if part.source is None]):
        async with database.reading() as connection:
            recordings = await sealing.read_recordings_in_rows(
                connection, replay, [part.segment_id for part in parts]
            )
        for part in parts:
            recording = recordings.get(part.segment_id)
            if recording is None or len(recording) != part.size_bytes:
                raise ReplayReopened
            content[part.offset : part.end] = recording
    missing: set[PartKey] = set()
    stored = [part for part in layout.parts if part.source is not None and part.size_bytes]
    for parts in _split_parts(stored, most_bytes=_READ_BYTES * ranged_reads.READS_AT_ONCE):
        ranges = [part.source for part in parts if part.source is not None]
        found = await ranged_reads.read_ranges(store, ranges, most_bytes=_READ_BYTES)
        for part, data in zip(parts, found, strict=True):
            if data is None:
                missing.add((part.segment_id, part.kind))
            else:
                content[part.offset : part.end] = data
    return content, missing


async def verify_content(store: ObjectStore, object_key: str, content: bytearray) -> None:
    """Read a stored object back, and compare it with what was put.

    Raises:
        ServiceUnavailable: It differs, or the storage does not answer.
        NotFound: It is not there.
    """
    for offset in range(0, len(content), _READ_BYTES):
        length = min(_READ_BYTES, len(content) - offset)
        if await store.read(object_key, offset, length) != content[offset : offset + length]:
            raise ServiceUnavailable(f"{object_key} differs from what was put at byte {offset}")
    if await store.read(object_key, len(content), 1):
        raise ServiceUnavailable(f"{object_key} is longer than what was put")


def _split_parts(
    parts: Sequence[SealedPart], *, most_bytes: int = _READ_BYTES
) -> Iterator[list[SealedPart]]:
    """Split parts into groups of so many bytes, or of one larger part."""
    group: list[SealedPart] = []
    size_bytes = 0
    for part in parts:
        if group and size_bytes + part.size_bytes > most_bytes:
            yield group
            group, size_bytes = [], 0
        group.append(part)
        size_bytes += part.size_bytes
    if group:
        yield group
