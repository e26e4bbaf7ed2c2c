"""Lists the objects that rows of replays name, for backups."""

from collections.abc import AsyncIterator
from typing import Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

# A pack without a living part is only waiting to be removed.
_OBJECT_KEYS: Final = text(
    """
    select object_key from packs where live > 0
    union all
    select object_key from replay_pictures where object_key is not null
    union all
    select object_key from replay_clips where object_key is not null
    """
)


async def stream_object_keys(connection: AsyncConnection) -> AsyncIterator[str]:
    """Yield the keys of all packs, sealed objects, pictures and clips that rows name."""
    async with connection.stream_scalars(_OBJECT_KEYS) as found:
        async for object_key in found:
            yield object_key
