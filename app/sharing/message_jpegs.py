"""Shows a picture of a replay to whoever got a message with it.

    picture of a moment ─► its group of pictures ─► media child ─┐
    without a moment, or where it cannot be drawn ─► poster ─────┴─► media child ─► JPEG

Pictures are drawn as WebP. Mail programs and chats show JPEG. The last ones are kept in memory: a
message to a channel is opened by many at once.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

from app.core.bounded_cache import BoundedCache
from app.core.errors import MalformedInput, NotFound, ServiceUnavailable
from app.db.engine import Database
from app.media import child
from app.playback.pictures import stored
from app.playback.pictures.draw import draw_still
from app.playback.video.index_cache import IndexCache
from app.replays.model import ReplayKey
from app.sharing.grant import OpenedShare
from app.storage.port import ObjectStore

_CACHE_BYTES: Final = 8 * 1024 * 1024
_MOST_WAITING: Final = 8
"""The most pictures that wait to be drawn; whoever wants another one is told to ask again."""
_CANNOT: Final = b""
"""Stands for a picture that cannot be drawn: no child tries it again for each visitor."""

type JpegName = tuple[ReplayKey, bytes]
"""The replay of a JPEG, and what it was drawn from."""


class JpegCache:
    """The JPEGs that one process has drawn lately, and those that wait to be drawn."""

    def __init__(self) -> None:
        self._jpegs = BoundedCache[JpegName, bytes](_CACHE_BYTES)
        self._waiting = Counter[JpegName]()

    def get(self, name: JpegName) -> bytes | None:
        """Return a JPEG, which is empty if it cannot be drawn; None if nobody has tried yet."""
        return self._jpegs.get(name)

    def put(self, name: JpegName, jpeg: bytes) -> None:
        """Keep a JPEG, or an empty one if it cannot be drawn."""
        # What it was drawn from is kept with it.
        self._jpegs.put(name, jpeg, len(name[1]) + len(jpeg))

    @asynccontextmanager
    async def waiting(self, name: JpegName) -> AsyncIterator[None]:
        """Count a visitor who waits until a picture is drawn; many may wait for the same one.

        Raises:
            ServiceUnavailable: Too many other pictures wait already.
        """
        if name not in self._waiting and len(self._waiting) >= _MOST_WAITING:
            raise ServiceUnavailable("many pictures of messages are being drawn; ask again")
        self._waiting[name] += 1
        try:
            yield
        finally:
            self._waiting[name] -= 1
            if not self._waiting[name]:
                del self._waiting[name]


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
        jpeg = self.cache.get(name)
        if jpeg is None:
            async with self.cache.waiting(name), self.drawing_slot:
                # Somebody else may have waited for the same picture, and had it drawn.
                jpeg = self.cache.get(name)
                if jpeg is None:
                    try:
                        jpeg = await draw()
                    except MalformedInput:
                        jpeg = _CANNOT
                    self.cache.put(name, jpeg)
        return jpeg or None


async def _redraw_as_jpeg(webp: bytes) -> bytes:
    async with child.start_media_child() as started:
        return (await started.redraw_as_jpeg(webp)).data
