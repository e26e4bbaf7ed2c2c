"""Reads the records of GOPs for a media child, which decodes one after another."""

import itertools
from collections.abc import AsyncIterator, Iterator, Sequence

from app.core.errors import MalformedInput, NotFound
from app.playback.video import stream
from app.playback.video.index import Gop, PlaybackIndex
from app.storage.port import ObjectStore


class UndecodableGroup(MalformedInput):
    """A group of pictures ended the child that decoded it; the message says how.

    Args of the constructor:
        start_ms: The start of the group on the clock of the replay, by which it is left out later.
        cause: The error that the child ended with.
    """

    def __init__(self, start_ms: int, cause: MalformedInput) -> None:
        super().__init__(str(cause))
        self.start_ms = start_ms


async def read_records(
    store: ObjectStore, gops: Sequence[Gop], built: PlaybackIndex
) -> AsyncIterator[tuple[Gop, memoryview]]:
    """Read the bytes of GOPs, a mebibyte at a time; those whose object has vanished are left out.

    Args:
        store: The store that holds them.
        gops: GOPs of the index, in its order.
        built: The index.

    Raises:
        ServiceUnavailable: Storage is down.
    """
    for run in split_into_runs(gops):
        start, end = run[0].offset, run[-1].offset + run[-1].size_bytes
        try:
            chunks = [part async for part in stream.read_stream(store, built, start, end)]
        except NotFound:
            continue
        data = memoryview(b"".join(chunks))
        for gop in run:
            record = data[gop.offset - start :][: gop.size_bytes]
            if len(record) == gop.size_bytes:
                yield gop, record


def split_into_runs(gops: Sequence[Gop]) -> Iterator[list[Gop]]:
    """Split GOPs into runs that lie in one object and are worth one read."""
    for _, of_object in itertools.groupby(gops, key=lambda gop: gop.object_key):
        run: list[Gop] = []
        for gop in of_object:
            if run and gop.offset + gop.size_bytes - run[0].offset > stream.READ_BYTES:
                yield run
                run = []
            run.append(gop)
        yield run
