"""A store that nobody can use until it is known to be the right one."""

from collections.abc import Sequence
from typing import Final

from app.core.errors import StorageUnavailable
from app.storage.port import ObjectContent, ObjectStore, StoredObject, StoreMismatch

_NOT_COMPARED: Final = "the store has not been compared with the database yet"


class GuardedStore:
    """Hands calls on to a store once `allow` was called; until then, every call waits its turn.

    Only the checks of a start go past it, by way of `inner`.
    """

    def __init__(self, inner: ObjectStore) -> None:
        """Guard a store that nobody may use yet."""
        self.inner: Final = inner
        self._refusal: StorageUnavailable | None = StorageUnavailable(_NOT_COMPARED)

    def allow(self) -> None:
        """Let the store be used."""
        self._refusal = None

    def refuse(self, reason: StoreMismatch) -> None:
        """Let every call fail with this reason."""
        self._refusal = reason

    async def put(self, key: str, content: ObjectContent) -> None:
        """See `ObjectStore.put`."""
        await self._allowed().put(key, content)

    async def put_many(self, objects: Sequence[tuple[str, ObjectContent]]) -> None:
        """See `ObjectStore.put_many`."""
        await self._allowed().put_many(objects)

    async def put_file(self, key: str, descriptor: int) -> None:
        """See `ObjectStore.put_file`."""
        await self._allowed().put_file(key, descriptor)

    async def read(self, key: str, offset: int = 0, length: int | None = None) -> bytes:
        """See `ObjectStore.read`."""
        return await self._allowed().read(key, offset, length)

    async def delete(self, key: str) -> None:
        """See `ObjectStore.delete`."""
        await self._allowed().delete(key)

    async def wipe(self, key: str, ranges: Sequence[tuple[int, int]]) -> None:
        """See `ObjectStore.wipe`."""
        await self._allowed().wipe(key, ranges)

    async def list(self, prefix: str) -> list[StoredObject]:
        """See `ObjectStore.list`."""
        return await self._allowed().list(prefix)

    async def list_part(self, *, after: str, most: int) -> Sequence[StoredObject]:
        """See `ObjectStore.list_part`."""
        return await self._allowed().list_part(after=after, most=most)

    async def probe(self) -> tuple[str, ...]:
        """See `ObjectStore.probe`."""
        return await self._allowed().probe()

    async def remove_unfinished(self) -> int:
        """See `ObjectStore.remove_unfinished`."""
        return await self._allowed().remove_unfinished()

    async def close(self) -> None:
        """See `ObjectStore.close`."""
        await self.inner.close()

    def _allowed(self) -> ObjectStore:
        if self._refusal is not None:
            # A new error each time: one that is raised again collects the frames of all its uses.
            raise type(self._refusal)(str(self._refusal))
        return self.inner
