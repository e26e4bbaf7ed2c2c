"""The small pictures of a replay: its poster, its preview, the sheets of its strip."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from app.core.errors import NotFound
from app.playback.pictures import stored
from app.playback.pictures.stored import FIRST_SHEET, POSTER, PREVIEW, StoredStrip
from app.web.frame import access
from app.web.frame.access import RequestedReplay
from app.web.frame.media import MEDIA_HEADERS, refuse_other_sites
from app.web.frame.services import services_of
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


def describe_strip(strip: StoredStrip) -> dict[str, Any]:
    """Describe a strip as the page reads it."""
    if strip.drawn is None:
        return {"state": "due" if strip.is_due else "none", "fault": strip.fault}
    sizes = strip.drawn.sizes
    return {
        "state": "made",
        "is_due": strip.is_due,
        "version": strip.drawn.version,
        "cell_px": [sizes.cell_width, sizes.cell_height],
        "columns": sizes.columns,
        "tiles_a_sheet": sizes.tiles_a_sheet,
        "preview_tiles": sizes.preview_tiles,
        "tiles": [[tile.at_ms, tile.width, tile.height] for tile in strip.tiles],
    }
