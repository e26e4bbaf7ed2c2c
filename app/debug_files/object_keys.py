"""Lists the objects that rows of debug files name, for backups."""

from collections.abc import AsyncIterator
from typing import Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from app.storage import keys

_OBJECTS: Final = text(
    """
    select project_id, replace(file_id::text, '-', '') as file_id, unnest(object_names) as name
    from debug_files
    """
)


async def stream_object_keys(connection: AsyncConnection) -> AsyncIterator[str]:
    """Yield the keys of the objects of all debug files."""
    async with connection.stream(_OBJECTS) as found:
        async for row in found:
            yield keys.make_debug_file_key(row.project_id, row.file_id, row.name)
