"""Sends events with short names, and reads what became of them."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, Final

from sqlalchemy import text

from app.core.errors import ServiceUnavailable
from app.debug_files.model import DebugFileId
from app.symbolication.cache import CacheKey
from app.symbolication.redo.worker import SymbolicationRedoer
from tests.support.builders import envelopes
from tests.support.renaming_family import OBJECT_NAME, add_mapping, debug_meta
from tests.support.servers.server import Server
from tests.support.waiting import PATIENCE_S

NAMES: Final = {"a": "pay", "x": "PaymentFailed"}
EVENT_ID: Final = "ab" * 16


def obfuscated_event(
    event_id: str = EVENT_ID,
    *,
    function: str = "a",
    type_name: str = "x",
    replay_id: str | None = None,
    trace_id: str | None = None,
    **changes: Any,
) -> bytes:
    """Return an envelope with an event whose function and exception have short names."""
    frame = {"module": "net.example.Cart", "function": function, "in_app": True}
    thrown = {"type": type_name, "value": "declined", "stacktrace": {"frames": [frame]}}
    values: dict[str, Any] = {"exception": {"values": [thrown]}, "debug_meta": debug_meta()}
    return envelopes.event_envelope(
        event_id, replay_id=replay_id, trace_id=trace_id, **(values | changes)
    )


async def read_event(server: Server, event_id: str = EVENT_ID) -> dict[str, Any]:
    """Return the row of an event."""
    async with server.database.reading() as connection:
        rows = await connection.execute(
            text("select * from events where project_id = :project and event_id = :event"),
            {"project": server.app.id, "event": event_id},
        )
        return dict(rows.mappings().one())


async def read_rows(server: Server, table: str) -> list[dict[str, Any]]:
    """Return the rows of a table that belong to the project."""
    async with server.database.reading() as connection:
        rows = await connection.execute(
            text(f"select * from {table} where project_id = :project"), {"project": server.app.id}
        )
        return [dict(row) for row in rows.mappings()]


async def upload_mapping(server: Server, names: dict[str, str] = NAMES) -> DebugFileId:
    """Store a mapping, with the news of it."""
    objects = server.service.shared.objects
    return await add_mapping(server.database, objects, server.app.id, names)


async def upload_cached_mapping(server: Server, names: dict[str, str] = NAMES) -> DebugFileId:
    """Store a mapping, and fetch it to where digest finds it."""
    file_id = await upload_mapping(server, names)
    cache = server.service.shared.symbolication.cache
    assert await cache.fetch(CacheKey(server.app.id, file_id, OBJECT_NAME)) is not None
    return file_id


@asynccontextmanager
async def stopped_worker(server: Server) -> AsyncIterator[None]:
    """Stop the worker of a server for a while, and end its claims."""
    worker = server.service.work.symbolication
    was_running = worker._task is not None and not worker._task.done()
    await worker.stop()
    async with server.database.transaction() as connection:
        await connection.execute(text("update symbolication_queue set due_at = now()"))
        await connection.execute(text("update debug_file_arrivals set claimed_until = null"))
    try:
        yield
    finally:
        if was_running:
            worker.start()


async def redo(server: Server, *, is_busy: Callable[[], bool] = lambda: False) -> None:
    """Do all events that are due, with a worker of its own.

    A worker gives way to whoever holds a lock for half a second. On a busy machine that may be the
    server's own worker, whose transaction has not ended yet; so it is tried again.
    """
    async with asyncio.timeout(PATIENCE_S):
        while True:
            with contextlib.suppress(ServiceUnavailable):
                await try_to_redo(server, is_busy=is_busy)
                return


async def try_to_redo(server: Server, *, is_busy: Callable[[], bool] = lambda: False) -> None:
    """Do all events that are due, with a worker of its own, once.

    Raises:
        ServiceUnavailable: Postgres or the store does not answer, or somebody holds a lock.
    """
    worker = SymbolicationRedoer(server.database, server.service.work.symbolication._redoer)
    worker.is_busy = is_busy
    async with stopped_worker(server):
        try:
            await worker.work()
        finally:
            await worker.stop()
