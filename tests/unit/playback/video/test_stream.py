"""Tests of byte ranges of the virtual stream, and of the reads that they become."""

from typing import cast

import pytest
from hypothesis import given, settings, strategies as st

from app.core.errors import NotFound
from app.playback.video import index as playback, stream
from app.playback.video.index import PlaybackIndex
from app.storage.port import ObjectStore
from tests.unit.playback.building import Frame, Objects, gops, segment


async def _read(objects: Objects, index: PlaybackIndex, start: int, end: int) -> bytes:
    store = cast("ObjectStore", objects)
    return b"".join([part async for part in stream.read_stream(store, index, start, end)])


def _two_segments() -> tuple[Objects, PlaybackIndex]:
    objects = Objects()
    parts = [
        segment(0, 0, gops(3, 3), objects=objects),
        segment(1, 6000, gops(3, 3), objects=objects, object_offset=50),
    ]
    return objects, playback.build_index(parts)


async def test_neighbouring_gops_of_one_object_are_one_read():
    """Samples lie next to one another, so a range over two segments is two reads."""
    objects, index = _two_segments()
    data = await _read(objects, index, 0, index.size_bytes)
    assert objects.reads == [("object-0", 0, 60), ("object-1", 50, 60)]
    assert len(data) == index.size_bytes
    assert data.startswith(index.gops[0].header + b"0/0.......0/1")


@settings(max_examples=60)
@given(st.integers(0, 200), st.integers(0, 200))
async def test_any_range_is_that_part_of_the_whole(first, second):
    """A range may begin and end inside a header or a sample."""
    objects, index = _two_segments()
    whole = await _read(objects, index, 0, index.size_bytes)
    start, end = sorted((first, second))
    assert await _read(objects, index, start, end) == whole[start:end]


async def test_header_alone_needs_no_read():
    """Headers are generated, so a range inside one reads nothing from storage."""
    objects, index = _two_segments()
    header = index.gops[0].header
    assert await _read(objects, index, 0, len(header)) == header
    assert objects.reads == []


async def test_wide_hole_between_samples_is_not_read():
    """Reading past another track's data would cost more than a second read."""
    objects = Objects()
    frames = [Frame(0, is_key=True), Frame(1000, gap_bytes=100), Frame(2000, gap_bytes=50_000)]
    index = playback.build_index([segment(0, 0, frames, objects=objects)])
    data = await _read(objects, index, 0, index.size_bytes)
    assert data.endswith(b"0/0.......0/1.......0/2.......")
    assert objects.reads == [("object-0", 0, 120), ("object-0", 50_120, 10)]


async def test_read_is_never_longer_than_its_limit():
    """A large object is read piece by piece, so that memory stays bounded."""
    objects = Objects()
    half = stream.READ_BYTES // 2
    frames = [Frame(n * 1000, is_key=True, size_bytes=half) for n in range(5)]
    index = playback.build_index([segment(0, 0, frames, objects=objects)])
    assert len(await _read(objects, index, 0, index.size_bytes)) == index.size_bytes
    assert [length for _, _, length in objects.reads] == [2 * half, 2 * half, half]


async def test_missing_object_is_reported_before_the_first_byte():
    """The route can still answer 404."""
    objects, index = _two_segments()
    del objects.kept["object-0"]
    with pytest.raises(NotFound):
        await _read(objects, index, 0, index.size_bytes)


async def test_missing_object_later_ends_the_answer_early():
    """The answer has the right bytes up to the missing object, and then ends."""
    objects, index = _two_segments()
    whole = await _read(objects, index, 0, index.size_bytes)
    del objects.kept["object-1"]
    cut = await _read(objects, index, 0, index.size_bytes)
    assert whole.startswith(cut)
    assert index.gops[2].offset <= len(cut) < index.gops[3].offset


async def test_short_object_counts_as_missing():
    """A record is exactly as long as declared, or it is not sent."""
    objects, index = _two_segments()
    objects.kept["object-1"] = objects.kept["object-1"][:-1]
    gop = index.gops[3]
    with pytest.raises(NotFound):
        await _read(objects, index, gop.offset, gop.offset + gop.size_bytes)
