"""Shows a picture of a replay to whoever got a message with it.

    picture of a moment ─► its group of pictures ─► media child ─┐
    without a moment, or where it cannot be drawn ─► poster ─────┴─► media child ─► JPEG

Pictures are drawn as WebP. Mail programs and chats show JPEG. The last ones are kept in memory: a
message to a channel is opened by many at once.
"""

import asyncio
from dataclasses import dataclass
from typing import Final

from app.core.bounded_cache import BoundedCache
from app.core.errors import MalformedInput, NotFound
from app.db.engine import Database
from app.media import child
from app.playback.pictures import stored
from app.playback.pictures.draw import draw_still
from app.playback.video.index_cache import IndexCache
from app.replays.model import ReplayKey
from app.sharing.grant import OpenedShare
from app.storage.port import ObjectStore

_CACHE_BYTES: Final = 8 * 1024 * 1024


type JpegCache = BoundedCache[tuple[ReplayKey, bytes], bytes]
"""JPEGs by their replay and by what they were drawn from."""


def make_jpeg_cache() -> JpegCache:
    """Make the cache of the JPEGs that one process has drawn lately."""
    return BoundedCache(_CACHE_BYTES)


@dataclass(frozen=True, slots=True)
class MessageJpegs:
    """Draws the pictures of messages as JPEG."""

    database: Database
    store: ObjectStore
    index_cache: IndexCache
    drawing_slot: asyncio.Semaphore
    """Bounds how many media children draw at once."""
    cache: JpegCache

    async def draw_picture(self, opened: OpenedShare) -> bytes:
        """Return the picture that was handed out, as JPEG.

        Args:
            opened: The share of the picture, which was read just now: none is shown of a replay
                that is gone.

        Raises:
            NotFound: The replay has no pictures yet.
            ServiceUnavailable: Storage is down, or no child starts.
        """
        if opened.grant.range is not None:
            jpeg = await self._draw_moment(opened)
            if jpeg is not None:
                return jpeg
        return await self._draw_poster(opened.grant.key)

    async def _draw_moment(self, opened: OpenedShare) -> bytes | None:
        """Draw the moment of a picture; None if its video cannot be read."""
        grant = opened.grant
        async with self.database.reading() as connection:
            index = (await self.index_cache.read_over(connection, opened.replay)).newest
        # Late segments may have moved the start of the replay since the moment was noted.
        at_ms = max(0, grant.zero_at_ms - index.started_at_ms)
        name = (grant.key, f"{index.version} at {at_ms}".encode())
        known = self.cache.get(name)
        if known is not None:
            return known
        try:
            async with self.drawing_slot:
                webp = await draw_still(self.store, index, at_ms)
                jpeg = await _redraw_as_jpeg(webp)
        except MalformedInput:
            return None
        self.cache.put(name, jpeg, len(jpeg))
        return jpeg

    async def _draw_poster(self, key: ReplayKey) -> bytes:
        # The row of the pictures is read each time, so a poster that was drawn anew is shown.
        poster = await stored.read_image(self.database, self.store, key, stored.POSTER, version="")
        if poster is None:
            raise NotFound("there is no poster of this replay")
        # The bytes themselves are part of the key: a poster has a few kilobytes.
        name = (key, poster)
        known = self.cache.get(name)
        if known is not None:
            return known
        try:
            async with self.drawing_slot:
                jpeg = await _redraw_as_jpeg(poster)
        except MalformedInput as error:
            raise NotFound(f"the poster cannot be shown: {error}") from error
        self.cache.put(name, jpeg, len(poster) + len(jpeg))
        return jpeg


async def _redraw_as_jpeg(webp: bytes) -> bytes:
    async with child.start_media_child() as started:
        return (await started.redraw_as_jpeg(webp)).data
