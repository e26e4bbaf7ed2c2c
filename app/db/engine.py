"""Connections to Postgres: one pool for a process, one transaction for a story step."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import sqlalchemy
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from app.core.errors import Unavailable


class Database:
    """A pool of connections.

    `transaction()` is for writes: it commits when its block ends and rolls back when the block
    raises. `reading()` is for reads. Both raise `Unavailable` when Postgres cannot be reached.
    """

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    @classmethod
    def open(cls, url: str, *, pool_size: int = 10) -> "Database":
        """Make a pool for `postgresql://…`; connects at first use.

        Args:
            url: A libpq-style URL; a `host=/folder` query names a Unix socket.
            pool_size: Connections kept; as many again may be opened for a while.
        """
        address = sqlalchemy.make_url(url).set(drivername="postgresql+asyncpg")
        engine = create_async_engine(
            address,
            pool_size=pool_size,
            max_overflow=pool_size,
            pool_pre_ping=True,
            connect_args={"timeout": 10, "command_timeout": 60},
        )
        return cls(engine)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncConnection]:
        """Open a transaction that commits when the block ends."""
        async with self._connection() as connection, connection.begin():
            yield connection

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncConnection]:
        """Open a connection for reads; nothing is committed."""
        async with self._connection() as connection:
            yield connection

    async def close(self) -> None:
        """Close every connection; the object cannot be used afterwards."""
        await self._engine.dispose()

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[AsyncConnection]:
        try:
            async with self._engine.connect() as connection:
                yield connection
        except (OSError, sqlalchemy.exc.InterfaceError, sqlalchemy.exc.TimeoutError) as error:
            raise Unavailable(f"Postgres cannot be reached: {error}") from error
        except sqlalchemy.exc.OperationalError as error:
            raise Unavailable(f"Postgres does not answer as it should: {error}") from error
