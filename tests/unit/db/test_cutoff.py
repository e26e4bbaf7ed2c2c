"""The end of a connection that belongs to no pool."""

import asyncio
from typing import Any, cast

import asyncpg
import pytest

from app.db.cutoff import close_connection


class SilentConnection:
    """A connection in a transaction, to a Postgres that hangs."""

    def __init__(self) -> None:
        self.is_asked = asyncio.Event()
        self.is_terminated = False

    def is_in_transaction(self) -> bool:
        """Return True, so that a rollback is sent."""
        return True

    async def execute(self, _statement: str) -> None:
        """Wait for ever."""
        self.is_asked.set()
        await asyncio.Event().wait()

    def terminate(self) -> None:
        """Note that the connection was ended without a word."""
        self.is_terminated = True


async def test_a_cancelled_close_ends_the_connection():
    """A lock that it holds must not stay until the process ends."""
    connection = SilentConnection()
    closing = asyncio.create_task(close_connection(cast("asyncpg.Connection[Any]", connection)))
    await connection.is_asked.wait()
    closing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await closing
    assert connection.is_terminated
