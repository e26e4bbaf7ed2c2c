"""The requests of a replay one by one, and all of them as a HAR file."""

import asyncio
import json
from typing import Final

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from app.web.frame import access, answer
from app.web.replay.readers import PartReaderHere, address_of
from app.web.replay.request import build, har
from app.web.urls import replay_urls
from app.web.urls.routing import route_to

router = APIRouter()

_JSON: Final = "application/json"


@router.get(route_to(replay_urls.har))
async def send_har(reader: PartReaderHere, from_segment: access.FromSegment = 0) -> Response:
    """Send the requests of a replay as a file, and note who took it."""
    contents = await reader.download_requests(from_segment=from_segment)
    value = await asyncio.to_thread(har.make_har, contents)
    text = await asyncio.to_thread(json.dumps, value, ensure_ascii=False)
    headers = {
        "Content-Disposition": f'attachment; filename="replay-{reader.key.replay_id}.har"',
        "Content-Security-Policy": "sandbox; default-src 'none'",
    }
    return Response(text.encode("utf-8", "replace"), 200, headers, _JSON)


@router.get(f"{route_to(replay_urls.replay)}/requests/{{number}}")
async def show_request(
    request: Request,
    reader: PartReaderHere,
    number: int,
    from_segment: access.FromSegment = 0,
) -> Response:
    """Show one request with everything that was recorded of it."""
    data = await reader.find_page(from_segment=from_segment)
    page = await asyncio.to_thread(build.build_request_page, data, address_of(reader), number)
    return await answer.render_page(request, "replay/request.html", page)
