"""The requests of a replay one by one, and all of them as a HAR file."""

import asyncio
import json
from typing import Final

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from app.audit import writes as audit
from app.audit.model import Action
from app.core.errors import NotFound
from app.playback.visit import ReplayPageData
from app.web.frame import access, answer
from app.web.frame.services import services_of
from app.web.replay import har, lists, request_links, routes as replay_pages
from app.web.replay.page import RequestPage
from app.web.replay.requests import network_rows, requests_of
from app.web.urls import replay_urls
from app.web.words import exchanges, facts

router = APIRouter()

_PATH: Final = "/projects/{project_id}/replays/{replay_id}"
_JSON: Final = "application/json"


@router.get(f"{_PATH}/requests.har")
async def send_har(
    request: Request, watching: access.CurrentReplay, from_segment: access.FromSegment = 0
) -> Response:
    """Send the requests of a replay as a file, and note who took it."""
    reader = replay_pages.reader_of(request, watching)
    contents = (await reader.find_activity(from_segment=from_segment)).contents
    user = facts.user_of(contents.replay.user) or "unknown user"
    value = await asyncio.to_thread(
        har.har,
        requests_of(contents.spans),
        title=f"Replay of {user}",
        started_ms=contents.zero_ms,
    )
    text = await asyncio.to_thread(json.dumps, value, ensure_ascii=False)
    async with services_of(request).db.transaction() as connection:
        await audit.add_line(
            connection,
            Action.REPLAY_DOWNLOADED,
            person_id=watching.access.person.id,
            project_id=watching.key.project_id,
            subject=watching.key.replay_id,
            detail={"what": "requests"},
        )
    name = f"replay-{watching.key.replay_id}.har"
    headers = {
        "Content-Disposition": f'attachment; filename="{name}"',
        "Content-Security-Policy": "sandbox; default-src 'none'",
    }
    return Response(text.encode("utf-8", "replace"), 200, headers, _JSON)


@router.get(f"{_PATH}/requests/{{number}}")
async def show_request(
    request: Request,
    watching: access.CurrentReplay,
    number: int,
    from_segment: access.FromSegment = 0,
) -> Response:
    """Show one request with everything that was recorded of it."""
    reader = replay_pages.reader_of(request, watching)
    found = await reader.find_page(from_segment=from_segment)
    page = await asyncio.to_thread(_page, found, number)
    return await answer.render_page(request, "replay/request.html", page)


def _page(found: ReplayPageData, number: int) -> RequestPage:
    head, contents = found.activity.head, found.activity.contents
    spans = requests_of(contents.spans)
    if not 0 <= number < len(spans):
        raise NotFound(f"the replay has no request {number}")
    key = contents.replay.key
    panels = request_links.panel_contents(found, lists.error_rows(head.context, head.errors))
    traced = request_links.find_request_traces(found)
    links = request_links.request_links(traced, key, panels)
    row = network_rows(contents.spans, start_ms=contents.zero_ms, links=links)[number]
    back_href = replay_urls.replay_at(
        key.project_id, key.replay_id, at_ms=row.at_ms, from_segment=contents.from_segment
    )
    return RequestPage(
        user=facts.user_of(contents.replay.user),
        row=row,
        details=exchanges.details(spans[number], whole=True),
        back_href=f"{back_href}&tab=network#request-{number}",
    )
