"""The small pictures of a replay: its poster, its preview, the sheets of its strip."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from app.core import clock
from app.core.errors import NotFound
from app.replays import pictures, queries as replays
from app.replays.pictures import DrawnPictures, ReplayPictures
from app.web.frame import access
from app.web.frame.access import RequestedReplay
from app.web.frame.media import MEDIA_HEADERS, refuse_other_sites
from app.web.frame.services import services_of
from app.web.words.posters import is_due

router = APIRouter()

_PATH: Final = "/projects/{project_id}/replays/{replay_id}/pictures"
_WEBP: Final = "image/webp"

Version = Annotated[str, Query(max_length=64)]


@router.get(_PATH)
async def send_strip(request: Request, watching: access.CurrentReplay) -> Response:
    """Send when which tile of the strip was on the screen, or why there is none yet.

    Raises:
        NotFound: The replay never came, or was deleted.
    """
    async with services_of(request).db.reading() as connection:
        replay = await replays.find_replay(connection, watching.key)
        if replay is None:
            raise NotFound("no such replay")
        found = (await pictures.read_pictures(connection, [watching.key])).get(watching.key)
        tiles = await pictures.read_tiles(connection, watching.key) if found else []
    due = is_due(replay, found, now=clock.now())
    headers = {"Cache-Control": MEDIA_HEADERS["Cache-Control"]}
    return JSONResponse(_strip(found, tiles, is_due=due), headers=headers)


@router.get(f"{_PATH}/poster.webp")
async def send_poster(
    request: Request, watching: access.CurrentReplay, v: Version = ""
) -> Response:
    """Send the picture that stands for a replay."""
    return await _send(request, watching, v, part=0)


@router.get(f"{_PATH}/preview.webp")
async def send_preview(
    request: Request, watching: access.CurrentReplay, v: Version = ""
) -> Response:
    """Send some tiles of a replay in one row."""
    return await _send(request, watching, v, part=1)


@router.get(f"{_PATH}/sheet-{{number}}.webp")
async def send_sheet(
    request: Request, watching: access.CurrentReplay, number: int, v: Version = ""
) -> Response:
    """Send one sheet of tiles."""
    if number < 0:
        raise NotFound("sheets are counted from 0")
    return await _send(request, watching, v, part=2 + number)


async def _send(
    request: Request, watching: RequestedReplay, version: str, *, part: int
) -> Response:
    refuse_other_sites(request)
    here = services_of(request)
    async with here.db.reading() as connection:
        found = (await pictures.read_pictures(connection, [watching.key])).get(watching.key)
    if found is None or found.made is None:
        raise NotFound("there are no pictures of this replay")
    if version and version != found.made.version:
        return PlainTextResponse("The replay was drawn anew; ask for its strip again.\n", 409)
    offset, length = _place(found.made, part)
    data = await here.store.read(found.made.object_key, offset, length)
    if len(data) != length:
        raise NotFound(f"{found.made.object_key} holds {len(data)} of {length} bytes at {offset}")
    return Response(data, 200, MEDIA_HEADERS, _WEBP)


def _place(made: DrawnPictures, part: int) -> tuple[int, int]:
    """Find a part in the object: poster, preview, sheets.

    Raises:
        NotFound: There are fewer parts.
    """
    sizes = made.sizes
    lengths = (sizes.poster_bytes, sizes.preview_bytes, *sizes.sheet_bytes)
    if part >= len(lengths):
        raise NotFound("there is no such sheet")
    return sum(lengths[:part]), lengths[part]


def _strip(
    found: ReplayPictures | None, tiles: list[pictures.StripTile], *, is_due: bool
) -> dict[str, Any]:
    if found is None or found.made is None:
        return {"state": "due" if is_due else "none", "fault": found.fault if found else None}
    sizes = found.made.sizes
    return {
        "state": "made",
        "is_due": is_due,
        "version": found.made.version,
        "cell_px": [sizes.cell_width, sizes.cell_height],
        "columns": sizes.columns,
        "tiles_a_sheet": sizes.tiles_a_sheet,
        "preview_tiles": sizes.preview_tiles,
        "tiles": [[one.at_ms, one.width, one.height] for one in tiles],
    }
