"""Lists the objects that rows of events name, for backups."""

from collections.abc import AsyncIterator
from typing import Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

_OBJECT_KEYS: Final = text("select distinct object_key from attachments")


async def stream_object_keys(connection: AsyncConnection) -> AsyncIterator[str]:
    """Yield the keys of all files that are attached to events."""
    async with connection.stream_scalars(_OBJECT_KEYS) as found:
        async for object_key in found:
            yield object_key
