"""An object store that measures what another one does."""

import os
from collections.abc import Awaitable, Sequence
from typing import Final, Literal, get_args

from prometheus_client import Counter, Histogram
from prometheus_client.registry import Collector

from app.core import tracing
from app.core.clock import monotonic_s
from app.core.errors import ServiceUnavailable
from app.storage.port import ObjectContent, ObjectStore, StoredObject, list_content_parts

StoreOperation = Literal["put", "read", "delete", "wipe", "list"]

_BOUNDS_S: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 60.0)
_BOUNDS_BYTES: Final = tuple(4.0**power for power in range(5, 14))
"""From 1 KiB to 64 MiB."""


class StoreMetrics:
    """The metrics of one store."""

    def __init__(self) -> None:
        """Begin at zero, with a series for each operation."""
        self._operation_s: Final = Histogram(
            "playhead_storage_operation_seconds",
            "Time of operations of the object store, retries included, also of failed ones.",
            ["operation"],
            buckets=_BOUNDS_S,
            registry=None,
        )
        self._size_bytes: Final = Histogram(
            "playhead_storage_operation_size_bytes",
            "Bytes that one operation put or read; several objects put together count as one.",
            ["operation"],
            buckets=_BOUNDS_BYTES,
            registry=None,
        )
        self._failures: Final = Counter(
            "playhead_storage_operation_failures",
            "Operations that failed because the object store did not answer, or refused.",
            ["operation"],
            registry=None,
        )
        operations: tuple[StoreOperation, ...] = get_args(StoreOperation)
        for operation in operations:
            self._operation_s.labels(operation)
            self._failures.labels(operation)

    @property
    def collectors(self) -> tuple[Collector, ...]:
        """All metrics, to be registered."""
        return self._operation_s, self._size_bytes, self._failures

    async def measure[T](self, operation: StoreOperation, work: Awaitable[T]) -> T:
        """Wait for an operation and measure it."""
        began_s = monotonic_s()
        try:
            with tracing.child_span(f"storage {operation}"):
                return await work
        except ServiceUnavailable:
            self._failures.labels(operation).inc()
            raise
        finally:
            self._operation_s.labels(operation).observe(monotonic_s() - began_s)

    def count_bytes(self, operation: StoreOperation, size_bytes: int) -> None:
        """Count the bytes of an operation that has succeeded."""
        self._size_bytes.labels(operation).observe(size_bytes)


class MeasuredStore:
    """An object store that does what another one does, and measures it; see `ObjectStore`."""

    def __init__(self, store: ObjectStore) -> None:
        """Measure a store."""
        self._store = store
        self.metrics: Final = StoreMetrics()

    async def put(self, key: str, content: ObjectContent) -> None:
        """See `ObjectStore.put`."""
        await self.metrics.measure("put", self._store.put(key, content))
        self.metrics.count_bytes("put", _measure_content(content))

    async def put_many(self, objects: Sequence[tuple[str, ObjectContent]]) -> None:
        """See `ObjectStore.put_many`."""
        await self.metrics.measure("put", self._store.put_many(objects))
        self.metrics.count_bytes("put", sum(_measure_content(content) for _, content in objects))

    async def put_file(self, key: str, descriptor: int) -> None:
        """See `ObjectStore.put_file`."""
        await self.metrics.measure("put", self._store.put_file(key, descriptor))
        self.metrics.count_bytes("put", os.fstat(descriptor).st_size)

    async def read(self, key: str, offset: int = 0, length: int | None = None) -> bytes:
        """See `ObjectStore.read`."""
        content = await self.metrics.measure("read", self._store.read(key, offset, length))
        self.metrics.count_bytes("read", len(content))
        return content

    async def delete(self, key: str) -> None:
        """See `ObjectStore.delete`."""
        await self.metrics.measure("delete", self._store.delete(key))

    async def wipe(self, key: str, ranges: Sequence[tuple[int, int]]) -> None:
        """See `ObjectStore.wipe`."""
        await self.metrics.measure("wipe", self._store.wipe(key, ranges))

    async def list(self, prefix: str) -> list[StoredObject]:
        """See `ObjectStore.list`."""
        return await self.metrics.measure("list", self._store.list(prefix))

    async def list_part(self, *, after: str, most: int) -> Sequence[StoredObject]:
        """See `ObjectStore.list_part`."""
        return await self.metrics.measure("list", self._store.list_part(after=after, most=most))

    async def probe(self) -> tuple[str, ...]:
        """See `ObjectStore.probe`."""
        return await self._store.probe()

    async def remove_unfinished(self) -> int:
        """See `ObjectStore.remove_unfinished`."""
        return await self._store.remove_unfinished()

    async def close(self) -> None:
        """See `ObjectStore.close`."""
        await self._store.close()


def _measure_content(content: ObjectContent) -> int:
    return sum(map(len, list_content_parts(content)))
