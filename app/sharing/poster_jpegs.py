"""Shows the poster of a replay to whoever got a message with it.

Posters are WebP. Mail programs and chats show JPEG, which a media child makes of them. The last
ones are kept in memory: a message to a channel is opened by many at once.
"""

import asyncio
from typing import Final

from app.core.bounded_cache import BoundedCache
from app.core.errors import MalformedInput, NotFound
from app.db.engine import Database
from app.media import child
from app.playback.pictures import stored
from app.replays.model import ReplayKey
from app.storage.port import ObjectStore

_CACHE_BYTES: Final = 8 * 1024 * 1024


class PosterJpegs:
    """The posters that one process has drawn as JPEG lately."""

    def __init__(self) -> None:
        self._jpegs = BoundedCache[tuple[ReplayKey, bytes], bytes](_CACHE_BYTES)

    async def draw_poster(
        self,
        database: Database,
        store: ObjectStore,
        key: ReplayKey,
        *,
        drawing_slot: asyncio.Semaphore,
    ) -> bytes:
        """Return the poster of a replay as JPEG.

        Args:
            database: The database. The row of the pictures is read each time, so that a poster that
                was drawn anew is shown, and none of a replay that is gone.
            store: The store with the poster.
            key: The replay.
            drawing_slot: Bounds how many media children draw at once.

        Raises:
            NotFound: The replay has no poster yet.
            ServiceUnavailable: Storage is down, or no child starts.
        """
        poster = await stored.read_image(database, store, key, stored.POSTER, version="")
        if poster is None:
            raise NotFound("there is no poster of this replay")
        # The bytes themselves are part of the key: a poster has a few kilobytes.
        known = self._jpegs.get((key, poster))
        if known is not None:
            return known
        try:
            async with drawing_slot, child.start_media_child() as started:
                jpeg = (await started.redraw_as_jpeg(poster)).data
        except MalformedInput as error:
            raise NotFound(f"the poster cannot be shown: {error}") from error
        self._jpegs.put((key, poster), jpeg, len(poster) + len(jpeg))
        return jpeg
