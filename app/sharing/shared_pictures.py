"""Reads the small pictures of a shared replay: the strip along its timeline.

A sheet of the strip shows many moments side by side, so none is sent for a part of a replay.
"""

from app.core.errors import NotFound
from app.playback.pictures import stored
from app.playback.pictures.stored import StoredStrip
from app.sharing.shared_replay import SharedReplay


async def find_strip(shared: SharedReplay) -> StoredStrip:
    """Find the strip of a shared replay; a part of a replay has none."""
    grant = shared.opened.grant
    if grant.range is not None:
        return StoredStrip(None, (), is_due=False, fault=None)
    return await stored.find_strip(shared.db, grant.key)


async def read_sheet(shared: SharedReplay, number: int, *, version: str) -> bytes | None:
    """Read one sheet of the strip, as `stored.read_image` does.

    Raises:
        NotFound: There is no such sheet, or the share shows a part of the replay only.
        ServiceUnavailable: Storage is down.
    """
    grant = shared.opened.grant
    if grant.range is not None or number < 0:
        raise NotFound("there is no such sheet")
    return await stored.read_image(
        shared.db, shared.store, grant.key, stored.FIRST_SHEET + number, version=version
    )
