"""The page Share of a replay, which is also shown beside the player."""

import asyncio

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from app.core.errors import NotFound
from app.core.replay.replay_range import read_replay_range
from app.memberships.model import Role
from app.sharing.handed_out import read_handed_out
from app.web.frame import access, answer
from app.web.frame.services import services_of
from app.web.replay import absence
from app.web.replay.handover.build import build_handover_page
from app.web.replay.readers import PartReaderHere
from app.web.urls import replay_urls
from app.web.urls.routing import route_to

router = APIRouter()


@router.get(route_to(replay_urls.hand_on))
async def show_handover(
    request: Request, asked: access.CurrentReplay, reader: PartReaderHere
) -> Response:
    """Show the ways to share a replay, or the range `from` to `to` of it."""
    replay_range = read_replay_range(request.query_params)
    try:
        context = await reader.find_context()
    except NotFound:
        return await absence.show_absence(request, reader)
    page = await asyncio.to_thread(
        build_handover_page,
        context,
        replay_range,
        await read_handed_out(services_of(request).db, asked.key),
        base_url=services_of(request).settings.base_url,
        may_change=asked.access.role.includes(Role.MEMBER),
        clips_are_on=services_of(request).settings.clips,
    )
    return await answer.render_page(request, "replay/handover/page.html", page)
