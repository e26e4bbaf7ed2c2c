"""Shows a picture of a replay to whoever got a message with it.

    picture of a moment ─► its group of pictures ─► media child ─┐
    without a moment, or where it cannot be drawn ─► poster ─────┴─► media child ─► JPEG

Pictures are drawn as WebP. Mail programs and chats show JPEG. The last ones are kept in memory: a
message to a channel is opened by many at once.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from app.core.errors import MalformedInput, NotFound, ServiceUnavailable
from app.db.engine import Database
from app.media import child
from app.playback.pictures import stored
from app.playback.pictures.draw import draw_still
from app.playback.pictures.drawn_cache import DrawnCache
from app.playback.video.index_cache import IndexCache
from app.replays.model import ReplayKey
from app.sharing.grant import OpenedShare
from app.storage.port import ObjectStore

_CACHE_BYTES: Final = 8 * 1024 * 1024
_CANNOT: Final = b""
"""Stands for a picture that cannot be drawn."""

type JpegName = tuple[ReplayKey, bytes]
"""The replay of a JPEG, and what it was drawn from."""
type JpegCache = DrawnCache[JpegName, bytes]
"""The JPEGs of messages; one that cannot be drawn is empty."""


def make_jpeg_cache() -> JpegCache:
    """Make the cache of one process."""
    # What it was drawn from is kept with it.
    return DrawnCache(_CACHE_BYTES, lambda name, jpeg: len(name[1]) + len(jpeg))


@dataclass(frozen=True, slots=True)
class MessageJpegs:
    """Draws the pictures of messages as JPEG."""

    database: Database
    store: ObjectStore
    index_cache: IndexCache
    drawing_slot: asyncio.Semaphore
    """Bounds how many media children draw at once."""
    cache: JpegCache
    decodes_video: bool
    """False if this server draws no pictures of replays: then posters alone are shown."""

    async def draw_picture(self, opened: OpenedShare) -> bytes:
        """Return the picture that was handed out, as JPEG.

        Args:
            opened: The share of the picture, which was read just now: none is shown of a replay
                that is gone.

        Raises:
            NotFound: The replay has no pictures yet.
            ServiceUnavailable: Storage is down, no child starts, or too many pictures are drawn.
        """
        if opened.grant.range is not None and self.decodes_video:
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

        async def draw() -> bytes:
            return await _redraw_as_jpeg(await draw_still(self.store, index, at_ms))

        return await self._draw_once(name, draw)

    async def _draw_poster(self, key: ReplayKey) -> bytes:
        # The row of the pictures is read each time, so a poster that was drawn anew is shown.
        poster = await stored.read_image(self.database, self.store, key, stored.POSTER, version="")
        if poster is None:
            raise NotFound("there is no poster of this replay")
        # The bytes themselves are part of the key: a poster has a few kilobytes.
        jpeg = await self._draw_once((key, poster), lambda: _redraw_as_jpeg(poster))
        if jpeg is None:
            raise NotFound("the poster cannot be shown")
        return jpeg

    async def _draw_once(
        self, name: JpegName, draw: Callable[[], Awaitable[bytes]]
    ) -> bytes | None:
        """Return a JPEG, drawn for the first visitor who asks; None if it cannot be drawn."""

        async def draw_or_note_failure() -> bytes:
            try:
                return await draw()
            except MalformedInput:
                return _CANNOT

        jpeg = await self.cache.draw_once(
            name, draw_or_note_failure, drawing_slot=self.drawing_slot
        )
        if jpeg is None:
            raise ServiceUnavailable("many pictures of messages are being drawn; ask again")
        return jpeg or None


async def _redraw_as_jpeg(webp: bytes) -> bytes:
    async with child.start_media_child() as started:
        return (await started.redraw_as_jpeg(webp)).data
