"""The start-up check tells which promise a store breaks."""

from collections.abc import Sequence

import pytest

from app.core.errors import NotFound, ServiceUnavailable
from app.storage.port import StoredObject
from app.storage.probe import probe_store


class Broken:
    """A store in memory that breaks one promise."""

    def __init__(self, fault: str) -> None:
        self.fault = fault
        self.kept: dict[str, bytes] = {}

    async def put(self, key: str, content) -> None:
        self.kept[key] = bytes(content)

    async def wipe(self, key: str, ranges) -> None:
        raise NotImplementedError

    async def put_file(self, key, descriptor) -> None:
        raise NotImplementedError

    async def put_many(self, objects) -> None:
        for key, data in objects:
            await self.put(key, data)

    async def read(self, key: str, offset: int = 0, length: int | None = None) -> bytes:
        if key not in self.kept:
            raise NotFound(key)
        if self.fault == "range":
            return self.kept[key]
        return self.kept[key][offset : None if length is None else offset + length]

    async def delete(self, key: str) -> None:
        if self.fault != "delete":
            self.kept.pop(key, None)

    async def list(self, prefix: str) -> "list[StoredObject]":
        listed = [StoredObject(key, len(data)) for key, data in self.kept.items()]
        listed = [each for each in listed if each.key.startswith(prefix)]
        return [] if self.fault == "list" else listed

    async def list_part(self, *, after: str, most: int) -> "Sequence[StoredObject]":
        listed = sorted(await self.list(""), key=lambda each: each.key)
        return [each for each in listed if each.key > after][:most]

    async def probe(self) -> tuple[str, ...]:
        await probe_store(self)
        return ()

    async def remove_unfinished(self) -> int:
        return 0

    async def close(self) -> None:
        self.kept.clear()


@pytest.mark.parametrize(
    ("fault", "words"),
    [("range", "answered bytes 9 to 14"), ("list", "does not list"), ("delete", "after deleting")],
)
async def test_broken_promise_is_named(fault, words):
    """The operator reads which step failed."""
    store = Broken(fault)
    with pytest.raises(ServiceUnavailable, match=words):
        await probe_store(store)
    assert fault == "delete" or store.kept == {}


async def test_sound_store_passes():
    """A store that keeps its promises passes and is empty afterwards."""
    store = Broken("")
    await probe_store(store)
    assert store.kept == {}
