"""Draws the strip of small pictures of a shared part of a replay, of the video of that part alone.

    index of the part ─► drawn before? ─► its groups ─► media child ─► PartStrip, kept in memory

The sheets of the whole replay show moments outside of the part beside those within, and the
picture that stands for the beginning of the part may have been taken before it. So a part is drawn
anew, from the groups of pictures that its player gets, and from nothing else. Each request finds
its share first, so one that was taken back shows nothing, whatever is kept here.
"""

import asyncio
from dataclasses import dataclass
from typing import Final

from app.core.errors import MalformedInput
from app.media import wire
from app.playback.pictures.draw import draw_strip
from app.playback.pictures.drawn_cache import DrawnCache
from app.playback.video.index import PlaybackIndex
from app.replays.model import ReplayKey
from app.storage.port import ObjectStore

_CACHE_BYTES: Final = 32 * 1024 * 1024
"""A strip of 200 tiles, the longest one, takes less than 2 MiB."""
_TILE_BYTES: Final = 200


@dataclass(frozen=True, slots=True)
class PartStrip:
    """The small pictures of a part of a replay, or the reason why there are none."""

    version: str
    """The version of the index that it was drawn from."""
    strip: wire.DrawnStrip | None
    fault: str | None = None
    """The reason why the part could not be drawn."""


type StripCache = DrawnCache[tuple[ReplayKey, str], PartStrip]
"""The strips of shared parts, by replay and version of the index."""


def make_strip_cache() -> StripCache:
    """Make the cache of one process."""
    return DrawnCache(_CACHE_BYTES, lambda _name, drawn: _count_bytes(drawn))


@dataclass(frozen=True, slots=True)
class StripDrawer:
    """Draws strips of parts in this process."""

    cache: StripCache
    drawing_slot: asyncio.Semaphore
    """Bounds how many media children draw at once."""
    is_on: bool
    """True if this server draws pictures of replays."""

    async def draw_part(
        self, store: ObjectStore, key: ReplayKey, index: PlaybackIndex
    ) -> PartStrip | None:
        """Return the strip of a part of a replay.

        Args:
            store: The store with its video.
            key: The replay.
            index: The index of the part, whose times begin with it.

        Returns:
            None if so many strips wait to be drawn that this visitor has to ask again.

        Raises:
            ServiceUnavailable: Storage is down, or no child starts.
        """
        return await self.cache.draw_once(
            (key, index.version), lambda: _draw(store, index), drawing_slot=self.drawing_slot
        )


async def _draw(store: ObjectStore, index: PlaybackIndex) -> PartStrip:
    try:
        # The poster is a picture of the part as well, and nobody asks for it.
        strip = await draw_strip(store, index, 0)
    except MalformedInput as error:
        return PartStrip(index.version, None, str(error))
    return PartStrip(index.version, strip)


def _count_bytes(drawn: PartStrip) -> int:
    if drawn.strip is None:
        return 0
    strip = drawn.strip
    images = sum(map(len, (strip.poster, strip.preview, *strip.sheets)))
    return images + _TILE_BYTES * len(strip.tiles)
