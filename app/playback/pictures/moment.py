"""Shows a member the picture that was on the screen at one moment of a replay.

    the moment's group of pictures ─► media child ─► WebP, kept in memory
    where it cannot be drawn ─► poster

Reports of a range name it: the poster stands for the whole replay, and shows another moment.
"""

import asyncio
from dataclasses import dataclass
from typing import Final

from app.core.errors import MalformedInput, NotFound, ServiceUnavailable
from app.playback.pictures import stored
from app.playback.pictures.draw import draw_still
from app.playback.pictures.drawn_cache import DrawnCache
from app.playback.visit.reader import ReplayReader
from app.replays.model import ReplayKey

_CACHE_BYTES: Final = 4 * 1024 * 1024
_CANNOT: Final = b""
"""Stands for a picture that cannot be drawn."""

type MomentCache = DrawnCache[tuple[ReplayKey, str, int], bytes]
"""The pictures of moments, by replay, version of the index and time; one that cannot be drawn is
empty."""


def make_moment_cache() -> MomentCache:
    """Make the cache of one process."""
    return DrawnCache(_CACHE_BYTES, lambda _name, picture: len(picture))


@dataclass(frozen=True, slots=True)
class MomentDrawer:
    """Draws the pictures of moments in this process."""

    cache: MomentCache
    drawing_slot: asyncio.Semaphore
    """Bounds how many media children draw at once."""
    is_on: bool
    """True if this server draws pictures of replays."""

    async def draw_moment(self, reader: ReplayReader, at_ms: int) -> bytes:
        """Return the picture of a moment, or the poster where the moment cannot be drawn.

        Args:
            reader: The person and the replay.
            at_ms: The moment on the player's clock; past the end means the last picture.

        Raises:
            NotFound: There is no such replay, or no picture of it.
            ServiceUnavailable: Storage is down, no child starts, or too many pictures are drawn.
        """
        outline = (await reader.find_context()).outline
        if self.is_on:
            index = outline.playable.newest
            at_ms = min(at_ms, outline.duration_ms)

            async def draw() -> bytes:
                try:
                    return await draw_still(reader.store, index, at_ms)
                except MalformedInput:
                    return _CANNOT

            picture = await self.cache.draw_once(
                (reader.key, index.version, at_ms), draw, drawing_slot=self.drawing_slot
            )
            if picture is None:
                raise ServiceUnavailable("many pictures are being drawn; ask again")
            if picture:
                return picture
        poster = await stored.read_image(
            reader.db, reader.store, reader.key, stored.POSTER, version=""
        )
        if poster is None:
            raise NotFound("there is no picture of this replay")
        return poster
