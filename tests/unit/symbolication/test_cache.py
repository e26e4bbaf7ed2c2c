"""The objects of debug files on this machine: fetched once, bounded, shared between processes."""

import asyncio
import os
from collections.abc import AsyncIterator
from mmap import mmap
from pathlib import Path
from typing import override

import pytest

from app.core.errors import ServiceUnavailable
from app.core.ids import ProjectId
from app.debug_files.model import DebugFileId
from app.storage.disk.local import LocalStore
from app.symbolication import cache as cache_module
from app.symbolication.cache import CacheKey, DebugFileCache

_PROJECT = ProjectId(7)
_MIB = 1024 * 1024


class CountingStore(LocalStore):
    """A store that counts reads, and fails them on demand."""

    reads = 0
    fault: Exception | None = None

    @override
    async def read(self, key: str, offset: int = 0, length: int | None = None) -> bytes:
        self.reads += 1
        if self.fault is not None:
            raise self.fault
        return await super().read(key, offset, length)


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[CountingStore]:
    """Open a store in a folder of the test."""
    store = CountingStore(tmp_path / "objects", threads=2)
    yield store
    await store.close()


def _key(number: int = 1, name: str = "derived") -> CacheKey:
    return CacheKey(_PROJECT, DebugFileId(f"{number:032x}"), name)


def _make_cache(tmp_path: Path, store: CountingStore, *, limit_bytes: int = _MIB) -> DebugFileCache:
    return DebugFileCache(tmp_path / "data" / "cache", store, limit_bytes=limit_bytes)


async def test_object_is_fetched_once(tmp_path: Path, store: CountingStore):
    """Several events that need one object at once wait for one fetch; later ones find it."""
    await store.put(_key().object_key, b"bytes of a symcache")
    cache = _make_cache(tmp_path, store)
    assert cache.find(_key()) is None
    files = await asyncio.gather(*(cache.fetch(_key()) for _ in range(5)))
    assert store.reads == 1
    assert {bytes(file.data) for file in files if file is not None} == {b"bytes of a symcache"}
    again = _make_cache(tmp_path, store).find(_key())
    assert again is not None
    assert bytes(again.data) == b"bytes of a symcache"


async def test_long_object_comes_in_parts(
    tmp_path: Path, store: CountingStore, monkeypatch: pytest.MonkeyPatch
):
    """An object that is longer than one range is fetched whole, also if ranges end with it."""
    monkeypatch.setattr(cache_module, "_RANGE_BYTES", 8)
    cache = _make_cache(tmp_path, store)
    for number, content in enumerate((b"0123456789abcdef", b"0123456789abcdefX", b""), 1):
        await store.put(_key(number).object_key, content)
        file = await cache.fetch(_key(number))
        assert file is not None
        assert bytes(file.data) == content


async def test_deleted_object_is_no_file(tmp_path: Path, store: CountingStore):
    """A file whose object is gone counts as not uploaded, and leaves nothing in the folder."""
    assert await _make_cache(tmp_path, store).fetch(_key()) is None
    assert not [*(tmp_path / "data").rglob("*.part")]


async def test_store_that_does_not_answer_is_asked_again(tmp_path: Path, store: CountingStore):
    """A failure is not remembered, and whatever was written is removed."""
    await store.put(_key().object_key, b"content")
    cache = _make_cache(tmp_path, store)
    store.fault = ServiceUnavailable("the bucket does not answer")
    with pytest.raises(ServiceUnavailable):
        await cache.fetch(_key())
    store.fault = None
    assert await cache.fetch(_key()) is not None
    assert not [*(tmp_path / "data").rglob("*.part")]


async def test_folder_without_room_is_a_failure_of_the_service(
    tmp_path: Path, store: CountingStore
):
    """A cache that cannot be written makes the event wait, and is no fault of the event."""
    await store.put(_key().object_key, b"content")
    (tmp_path / "data").write_text("a file where the folder should be")
    with pytest.raises(ServiceUnavailable, match="not writable"):
        await _make_cache(tmp_path, store).fetch(_key())


async def test_least_lately_used_files_go_first(tmp_path: Path, store: CountingStore):
    """The folder stays below its limit, and the file that was fetched just now stays in it."""
    cache = _make_cache(tmp_path, store, limit_bytes=250)
    folder = tmp_path / "data" / "cache"
    for number in range(1, 4):
        await store.put(_key(number).object_key, bytes(100))
        if number == 3:
            for old, at_s in ((1, 2_000), (2, 1_000)):
                os.utime(folder / _key(old).file_name, (at_s, at_s))
        await cache.fetch(_key(number))
    assert {path.name for path in folder.iterdir()} == {_key(1).file_name, _key(3).file_name}
    await store.put(_key(4).object_key, bytes(1_000))
    assert await cache.fetch(_key(4)) is not None
    assert [path.name for path in folder.iterdir()] == [_key(4).file_name]


async def test_removed_file_stays_open(tmp_path: Path, store: CountingStore):
    """Whoever reads a file goes on when another process removes it."""
    await store.put(_key().object_key, b"content")
    cache = _make_cache(tmp_path, store)
    file = await cache.fetch(_key())
    assert file is not None
    file.path.unlink()
    assert bytes(file.data) == b"content"
    assert os.pread(file.descriptor, 100, 0) == b"content"


async def test_files_that_are_not_used_are_closed(
    tmp_path: Path, store: CountingStore, monkeypatch: pytest.MonkeyPatch
):
    """Only some files stay open, however many are used."""
    monkeypatch.setattr(cache_module, "_MOST_OPEN", 3)
    cache = _make_cache(tmp_path, store)
    descriptors: set[int] = set()
    for number in range(1, 10):
        await store.put(_key(number).object_key, b"content")
        file = await cache.fetch(_key(number))
        assert file is not None
        descriptors.add(file.descriptor)
        del file
    assert len(descriptors) <= 4


async def test_deleted_debug_files_leave_the_cache(tmp_path: Path, store: CountingStore):
    """All objects of a deleted debug file go, and those of others stay."""
    cache = _make_cache(tmp_path, store)
    keys = [_key(1, "symcache-0"), _key(1, "symcache-1"), _key(2)]
    for key in keys:
        await store.put(key.object_key, b"content")
        await cache.fetch(key)
    assert await cache.list_files() == {(_PROJECT, key.file_id) for key in keys}
    assert await cache.remove_files({(_PROJECT, keys[0].file_id)}) == 2
    assert cache.find(keys[0]) is None
    assert cache.find(keys[2]) is not None
    assert await _make_cache(tmp_path / "other", store).list_files() == set()


async def test_leftovers_of_dead_processes_are_removed(tmp_path: Path, store: CountingStore):
    """An old temporary file goes with the next fetch; one that is being written stays."""
    cache = _make_cache(tmp_path, store)
    folder = tmp_path / "data" / "cache"
    folder.mkdir(parents=True)
    for name, at_s in (("old.part", 1_000), ("new.part", None)):
        (folder / name).write_bytes(b"half")
        if at_s is not None:
            os.utime(folder / name, (at_s, at_s))
    await store.put(_key().object_key, b"content")
    await cache.fetch(_key())
    assert {path.name for path in folder.iterdir()} == {"new.part", _key().file_name}


async def test_reader_is_made_once(tmp_path: Path, store: CountingStore):
    """A reader is kept with its file, so that tables are not read anew for each event."""
    await store.put(_key().object_key, b"content")
    cache = _make_cache(tmp_path, store)
    made: list[bytes] = []

    def make_reader(data: mmap | bytes) -> str:
        made.append(bytes(data))
        return "reader"

    for _ in range(3):
        file = await cache.fetch(_key())
        assert file is not None
        assert file.open_reader(make_reader) == "reader"
    assert made == [b"content"]


async def test_closed_cache_has_no_fetches(tmp_path: Path, store: CountingStore):
    """A process that stops does not wait for the store."""
    cache = _make_cache(tmp_path, store)
    await store.put(_key().object_key, b"content")
    waiting = asyncio.create_task(cache.fetch(_key()))
    await asyncio.sleep(0)
    await cache.close()
    with pytest.raises(asyncio.CancelledError):
        await waiting
