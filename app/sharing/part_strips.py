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

from app.core.bounded_cache import BoundedCache
from app.core.errors import MalformedInput
from app.media import wire
from app.playback.pictures.draw import draw_strip
from app.playback.video.index import PlaybackIndex
from app.replays.model import ReplayKey
from app.storage.port import ObjectStore

_CACHE_BYTES: Final = 32 * 1024 * 1024
"""A strip of 200 tiles, the longest one, takes less than 2 MiB."""
_MOST_WAITING: Final = 8
"""The most visitors who wait for a strip; the others are told to ask again."""
_TILE_BYTES: Final = 200


@dataclass(frozen=True, slots=True)
class PartStrip:
    """The small pictures of a part of a replay, or the reason why there are none."""

    version: str
    """The version of the index that it was drawn from."""
    strip: wire.DrawnStrip | None
    fault: str | None = None
    """The reason why the part could not be drawn."""


class PartStrips:
    """The strips of shared parts that one process has drawn lately."""

    def __init__(self) -> None:
        self._strips = BoundedCache[tuple[ReplayKey, str], PartStrip](_CACHE_BYTES)
        self._waiting = 0

    async def draw_part(
        self,
        store: ObjectStore,
        key: ReplayKey,
        index: PlaybackIndex,
        *,
        drawing_slot: asyncio.Semaphore,
    ) -> PartStrip | None:
        """Return the strip of a part of a replay.

        Args:
            store: The store with its video.
            key: The replay.
            index: The index of the part, whose times begin with it.
            drawing_slot: Bounds how many media children draw at once.

        Returns:
            None if so many visitors wait for strips that this one has to ask again.

        Raises:
            ServiceUnavailable: Storage is down, or no child starts.
        """
        name = (key, index.version)
        known = self._strips.get(name)
        if known is not None or self._waiting >= _MOST_WAITING:
            return known
        self._waiting += 1
        try:
            async with drawing_slot:
                # Somebody else may have waited for the same part, and had it drawn.
                known = self._strips.get(name) or await _draw(store, index)
        finally:
            self._waiting -= 1
        self._strips.put(name, known, _count_bytes(known))
        return known


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
