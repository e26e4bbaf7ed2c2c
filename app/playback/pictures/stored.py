"""Reads the pictures that were drawn of a replay: its strip, and the images that make it."""

from dataclasses import dataclass
from typing import Final

from app.core import clock
from app.core.errors import NotFound
from app.db.engine import Database
from app.playback.pictures import schedule
from app.replays import pictures, queries as replays
from app.replays.model import ReplayKey
from app.replays.pictures import DrawnPictures, PictureTile
from app.storage.port import ObjectStore

POSTER: Final = 0
PREVIEW: Final = 1
FIRST_SHEET: Final = 2
"""The numbers of the images, in the order in which they lie in their object."""


@dataclass(frozen=True, slots=True)
class StoredStrip:
    """The pictures of a replay along its time, or the reason why there are none yet."""

    drawn: DrawnPictures | None
    tiles: tuple[PictureTile, ...]
    is_due: bool
    """True if pictures are drawn soon."""
    fault: str | None
    """The reason why the replay could not be drawn."""


async def find_strip(database: Database, key: ReplayKey) -> StoredStrip:
    """Find the strip of a replay.

    Raises:
        NotFound: The replay never arrived, or was deleted.
    """
    async with database.reading() as connection:
        replay = await replays.find_replay(connection, key)
        if replay is None:
            raise NotFound("no such replay")
        found = (await pictures.read_pictures(connection, [key])).get(key)
        tiles = await pictures.read_tiles(connection, key) if found else []
    return StoredStrip(
        drawn=found.made if found else None,
        tiles=tuple(tiles),
        is_due=schedule.is_due(replay, found, now=clock.now()),
        fault=found.fault if found else None,
    )


async def read_image(
    database: Database, store: ObjectStore, key: ReplayKey, number: int, *, version: str
) -> bytes | None:
    """Read one image: the poster, the preview, or a sheet of the strip.

    Args:
        database: The database with the row of the pictures.
        store: The store with their object.
        key: The replay.
        number: The number of the image in the object.
        version: The version that the page knows; empty takes the newest.

    Returns:
        None if the replay was drawn anew since that version.

    Raises:
        NotFound: There are no pictures, or there is no such image.
        ServiceUnavailable: Storage is down.
    """
    async with database.reading() as connection:
        found = (await pictures.read_pictures(connection, [key])).get(key)
    if found is None or found.made is None:
        raise NotFound("there are no pictures of this replay")
    if version and version != found.made.version:
        return None
    offset, length = _locate_image(found.made, number)
    image = await store.read(found.made.object_key, offset, length)
    if len(image) != length:
        raise NotFound(f"{found.made.object_key} holds {len(image)} of {length} bytes at {offset}")
    return image


def _locate_image(drawn: DrawnPictures, number: int) -> tuple[int, int]:
    """Return the offset and the length of an image in its object.

    Raises:
        NotFound: There are fewer images.
    """
    sizes = drawn.sizes
    lengths = (sizes.poster_bytes, sizes.preview_bytes, *sizes.sheet_bytes)
    if not 0 <= number < len(lengths):
        raise NotFound("there is no such sheet")
    return sum(lengths[:number]), lengths[number]
