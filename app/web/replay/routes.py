"""The page of one replay, and its deletion."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from app.core import clock
from app.core.errors import NotFound, ReplayHeld
from app.erasure.replay import erase_replay
from app.replays.keeping.model import describe_hold
from app.web.frame import answer
from app.web.frame.services import services_of
from app.web.replay import absence, build, pieces
from app.web.replay.readers import MemberHere, PageOptionsHere, ReplayReaderHere
from app.web.urls import list_urls, replay_urls
from app.web.urls.routing import route_to

router = APIRouter()


@router.get(route_to(replay_urls.replay))
async def show_replay(
    request: Request, reader: ReplayReaderHere, options: PageOptionsHere
) -> Response:
    """Show a replay, and note who opened it."""
    visit = await reader.open_replay()
    if visit is None:
        return await absence.show_absence(request, reader)
    first = pieces.describe_first_piece(visit, options)
    return await answer.stream_page(
        request, "replay/page.html", first, pieces.iterate_pieces(visit, options, first)
    )


@router.get(route_to(replay_urls.delete_replay))
async def ask_to_delete(
    request: Request, _member: MemberHere, reader: ReplayReaderHere, options: PageOptionsHere
) -> Response:
    """Ask before deleting a replay, and say what is deleted; a legal hold refuses at once."""
    try:
        head = await reader.find_head()
    except NotFound:
        return await absence.show_absence(request, reader)
    if head.keeping.holds:
        raise ReplayHeld(describe_hold(head.keeping.holds[0]))
    page = build.build_deletion_page(head, options)
    return await answer.render_page(request, "replay/delete.html", page)


@router.post(route_to(replay_urls.delete_replay))
async def delete_replay(request: Request, member: MemberHere, reader: ReplayReaderHere) -> Response:
    """Delete a replay. If it is gone already, say who deleted it."""
    services = services_of(request)
    try:
        await erase_replay(services.db, reader.key, person_id=member.person.id, at=clock.now())
    except NotFound:
        return await absence.show_absence(request, reader)
    services.eraser.hurry()
    return answer.redirect(list_urls.REPLAYS, done="replay-deleted")
