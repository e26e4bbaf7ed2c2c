"""Ends the wait for a Postgres that hangs: when work is cancelled, and when a process ends.

A statement may take a minute, and so may the rollback after it. Work that is cancelled closes its
connection instead of rolling back. A process that ends cuts all its connections after a while, and
opens no other. What was not committed then is done again by the next process.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final
from weakref import WeakSet

import asyncpg
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.errors import DatabaseUnavailable

_REASON: Final = "the process ends, and Postgres did not answer in time"
_CLOSE_S: Final = 2.0


class ConnectionCutoff:
    """The connections of a pool, all of which can be cut. Use it from one event loop."""

    def __init__(self) -> None:
        self._open: Final[WeakSet[asyncpg.Connection[Any]]] = WeakSet()
        self._attempts: Final[set[asyncio.Timeout]] = set()
        """Waits for a connection that is being opened or is to become free."""
        self._timer: asyncio.TimerHandle | None = None
        self._is_cut = False

    def add(self, connection: "asyncpg.Connection[Any]") -> None:
        """Cut this connection with the others."""
        self._open.add(connection)

    @asynccontextmanager
    async def attempt(self) -> AsyncIterator[None]:
        """End the block with an error when the connections are cut: it waits for one of them.

        Raises:
            DatabaseUnavailable: They were cut, before or meanwhile.
        """
        if self._is_cut:
            raise DatabaseUnavailable(_REASON)
        try:
            async with asyncio.timeout(None) as attempt:
                self._attempts.add(attempt)
                try:
                    yield
                finally:
                    self._attempts.discard(attempt)
        except TimeoutError as error:
            if not self._is_cut:
                raise
            raise DatabaseUnavailable(_REASON) from error

    def cut_after(self, patience_s: float) -> None:
        """Cut all connections after a while; only the first call counts."""
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(patience_s, self._cut)

    def cancel(self) -> None:
        """Cut nothing any more, since nobody waits."""
        if self._timer is not None:
            self._timer.cancel()

    def _cut(self) -> None:
        self._is_cut = True
        for attempt in self._attempts:
            attempt.reschedule(0)
        for connection in list(self._open):
            connection.terminate()


@asynccontextmanager
async def closing_if_cancelled(connection: AsyncConnection) -> AsyncIterator[None]:
    """Close a connection of a pool if its block is cancelled.

    A rollback would wait for the statement that runs, and then for its own answer: a Postgres that
    hangs would hold up the end of a process by a minute or two for each connection. To close a
    connection cancels its statement, and takes two seconds at most.

    It is meant for a stop and for requests whose clients are gone, which nobody can tell from a
    Postgres that hangs. With a healthy Postgres it costs the next block a new connection, and a
    pooler in transaction mode one to the server; so do not cancel blocks as a matter of course.
    """
    try:
        yield
    except asyncio.CancelledError:
        await connection.invalidate()
        raise


async def close_connection(connection: "asyncpg.Connection[Any]") -> None:
    """Close a connection that belongs to no pool; a Postgres that hangs is not waited for."""
    try:
        async with asyncio.timeout(_CLOSE_S):
            if connection.is_in_transaction():
                # A pooler would keep the transaction open for the next client, or drop the server.
                await connection.execute("rollback")
            await connection.close()
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
        connection.terminate()
    except asyncio.CancelledError:
        connection.terminate()  # a lock that it holds would stay until the process ends
        raise
