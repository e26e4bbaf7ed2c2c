"""The small pictures of a replay: its poster, its preview, the sheets of its strip."""

from collections.abc import Sequence
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from app.core.errors import NotFound
from app.media.wire import DrawnStrip, StripTile
from app.playback.pictures import stored
from app.playback.pictures.moment import MomentDrawer
from app.playback.pictures.stored import FIRST_SHEET, POSTER, PREVIEW, StoredStrip
from app.replays.pictures import DrawnPictures, PictureSizes, PictureTile
from app.sharing.part_strips import PartStrip
from app.web.frame import access
from app.web.frame.access import RequestedReplay
from app.web.frame.media import MEDIA_HEADERS, refuse_other_sites
from app.web.frame.services import services_of
from app.web.replay.readers import PartReaderHere, read_start_ms
from app.web.urls import replay_urls
from app.web.urls.routing import route_to

router = APIRouter()

_PICTURES: Final = route_to(replay_urls.pictures)
_WEBP: Final = "image/webp"
_Version = Annotated[str, Query(max_length=64)]


@router.get(_PICTURES)
async def send_strip(request: Request, watching: access.CurrentReplay) -> Response:
    """Send when which tile of the strip was on the screen, or why there is none yet.

    Raises:
        NotFound: The replay never arrived, or was deleted.
    """
    strip = await stored.find_strip(services_of(request).db, watching.key)
    headers = {"Cache-Control": MEDIA_HEADERS["Cache-Control"]}
    return JSONResponse(describe_strip(strip), headers=headers)


@router.get(f"{_PICTURES}/poster.webp")
async def send_poster(
    request: Request, watching: access.CurrentReplay, v: _Version = ""
) -> Response:
    """Send the picture that stands for a replay."""
    return await _send(request, watching, POSTER, version=v)


@router.get(f"{_PICTURES}/moment.webp")
async def send_moment(request: Request, reader: PartReaderHere, t: str = "") -> Response:
    """Send the picture that was on the screen at `t` seconds, and note that somebody looks at it.

    Raises:
        NotFound: There is no such replay, or no picture of it.
        ServiceUnavailable: Storage is down, or too many pictures are being drawn.
    """
    refuse_other_sites(request)
    services = services_of(request)
    drawer = MomentDrawer(services.moment_cache, services.drawing_slot, services.settings.pictures)
    picture = await drawer.draw_moment(reader, read_start_ms(t))
    return Response(picture, 200, MEDIA_HEADERS, _WEBP)


@router.get(f"{_PICTURES}/preview.webp")
async def send_preview(
    request: Request, watching: access.CurrentReplay, v: _Version = ""
) -> Response:
    """Send some tiles of a replay in one row."""
    return await _send(request, watching, PREVIEW, version=v)


@router.get(f"{_PICTURES}/sheet-{{number}}.webp")
async def send_sheet(
    request: Request, watching: access.CurrentReplay, number: int, v: _Version = ""
) -> Response:
    """Send one sheet of tiles."""
    if number < 0:
        raise NotFound("sheets are counted from 0")
    return await _send(request, watching, FIRST_SHEET + number, version=v)


async def _send(
    request: Request, watching: RequestedReplay, number: int, *, version: str
) -> Response:
    refuse_other_sites(request)
    services = services_of(request)
    image = await stored.read_image(
        services.db, services.store, watching.key, number, version=version
    )
    if image is None:
        return PlainTextResponse("The replay was drawn anew; ask for its strip again.\n", 409)
    return Response(image, 200, MEDIA_HEADERS, _WEBP)


def describe_strip(strip: StoredStrip | PartStrip | None) -> dict[str, Any]:
    """Describe a strip as the page reads it; without one, the page asks again after a while."""
    match strip:
        case None:
            return {"state": "due", "fault": None}
        case PartStrip(version=version, strip=DrawnStrip() as drawn):
            return _describe_tiles(version, drawn, drawn.tiles, is_due=False)
        case PartStrip(fault=fault):
            return {"state": "none", "fault": fault}
        case StoredStrip(drawn=DrawnPictures() as drawn):
            return _describe_tiles(drawn.version, drawn.sizes, strip.tiles, is_due=strip.is_due)
        case StoredStrip(is_due=is_due, fault=fault):
            return {"state": "due" if is_due else "none", "fault": fault}


def _describe_tiles(
    version: str,
    layout: DrawnStrip | PictureSizes,
    tiles: Sequence[StripTile | PictureTile],
    *,
    is_due: bool,
) -> dict[str, Any]:
    return {
        "state": "made",
        "is_due": is_due,
        "version": version,
        "cell_px": [layout.cell_width, layout.cell_height],
        "columns": layout.columns,
        "tiles_a_sheet": layout.tiles_a_sheet,
        "preview_tiles": layout.preview_tiles,
        "tiles": [[tile.at_ms, tile.width, tile.height] for tile in tiles],
    }
