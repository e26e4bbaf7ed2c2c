"""Reads the small pictures of a shared replay: the strip along its timeline.

A share of the whole replay shows the strip that was drawn for its members; that of a part is drawn
of the part alone.
"""

from app.core.errors import NotFound
from app.playback.pictures import stored
from app.playback.pictures.stored import StoredStrip
from app.sharing.part_strips import PartStrip, StripDrawer
from app.sharing.shared_replay import SharedReplay


async def find_strip(shared: SharedReplay, drawer: StripDrawer) -> StoredStrip | PartStrip | None:
    """Find the strip of a shared replay.

    Returns:
        None if too many strips wait to be drawn; this visitor has to ask again.

    Raises:
        ServiceUnavailable: Storage is down, or no child starts.
    """
    grant = shared.opened.grant
    if grant.range is None:
        return await stored.find_strip(shared.db, grant.key)
    index = await shared.read_index()
    if not drawer.is_on or not index.gops:
        return PartStrip(index.version, None)
    return await drawer.draw_part(shared.store, grant.key, index)


async def read_sheet(
    shared: SharedReplay, drawer: StripDrawer, number: int, *, version: str
) -> bytes | None:
    """Read one sheet of the strip.

    Args:
        shared: The share.
        drawer: Draws the strip of a part, if this process has not drawn it yet.
        number: The number of the sheet, from 0 on.
        version: The version that the page knows; empty takes the newest.

    Returns:
        None if the strip was drawn anew since that version.

    Raises:
        NotFound: There is no such sheet.
        ServiceUnavailable: Storage is down, or no child starts.
    """
    if number < 0:
        raise NotFound("sheets are counted from 0")
    grant = shared.opened.grant
    if grant.range is None:
        return await stored.read_image(
            shared.db, shared.store, grant.key, stored.FIRST_SHEET + number, version=version
        )
    found = await find_strip(shared, drawer)
    if not isinstance(found, PartStrip):
        return None
    if version and version != found.version:
        return None
    if found.strip is None or number >= len(found.strip.sheets):
        raise NotFound("there is no such sheet")
    return found.strip.sheets[number]
