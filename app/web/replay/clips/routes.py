"""The doors of clips: make one, see how far it is, take its file, delete it.

POST …/clips              makes one, or finds the one that the same request made before
GET  …/clips              the page with all of them
GET  …/clips/<id>         how far one is, as JSON
GET  …/clips/<id>/file    its file, by ranges
POST …/clips/<id>/delete  deletes it
"""

from typing import Annotated

from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from app.core import ids
from app.core.errors import NotFound
from app.memberships.model import Role
from app.replays.clips.model import ClipState
from app.web.frame import access, answer, forms, ranges
from app.web.frame.media import MEDIA_HEADERS, refuse_other_sites
from app.web.replay import absence
from app.web.replay.clips import build
from app.web.replay.readers import ClipsHere, MemberHere, ReplayReaderHere
from app.web.urls import replay_urls
from app.web.urls.routing import route_to
from app.web.words.replay.clips import name_clip_file

router = APIRouter()

_NOT_STORED = {"Cache-Control": MEDIA_HEADERS["Cache-Control"]}


def read_clip_id(clip_id: str) -> str:
    """Read the id of a clip in an address.

    Raises:
        NotFound: It is not one.
    """
    if ids.read_hex32(clip_id) != clip_id:
        raise NotFound("this replay has no such clip")
    return clip_id


ClipIdHere = Annotated[str, Depends(read_clip_id)]


@router.get(route_to(replay_urls.clips))
async def show_clips(
    request: Request, clips: ClipsHere, reader: ReplayReaderHere, asked: access.CurrentReplay
) -> Response:
    """Show the clips of a replay; while one is waited for, the page loads itself anew."""
    try:
        listed = await clips.list_clips()
    except NotFound:
        return await absence.show_absence(request, reader)
    may_change = asked.access.role.includes(Role.MEMBER)
    page = build.build_clips_page(clips.key, listed, may_change=may_change)
    return await answer.render_page(request, "replay/clips/page.html", page)


@router.post(route_to(replay_urls.clips))
async def make_clip(request: Request, _member: MemberHere, clips: ClipsHere) -> Response:
    """Make a clip. A script, which asks for JSON, learns its id; a form goes to the list."""
    clip = await clips.order(build.read_clip_request(await forms.read_form(request)))
    if "application/json" in request.headers.get("accept", ""):
        return JSONResponse(build.build_clip_answer(clip), headers=_NOT_STORED)
    is_ready = clip.state is ClipState.READY
    return answer.redirect(
        replay_urls.clips(*clips.key), done="clip-ready" if is_ready else "clip-begun"
    )


@router.get(route_to(replay_urls.clip))
async def send_clip_state(clips: ClipsHere, clip_id: ClipIdHere) -> Response:
    """Say how far a clip is."""
    clip = await clips.find_clip(clip_id)
    return JSONResponse(build.build_clip_answer(clip), headers=_NOT_STORED)


@router.get(route_to(replay_urls.clip_file))
async def send_clip_file(request: Request, clips: ClipsHere, clip_id: ClipIdHere) -> Response:
    """Send the file of a clip, or a range of it."""
    refuse_other_sites(request)
    download = await clips.find_download(clip_id)
    size_bytes = download.file.size_bytes
    try:
        wanted = ranges.read_range(request, size_bytes)
    except ranges.UnsatisfiableRange:
        return ranges.refuse_range(size_bytes)
    clip_request = download.clip.request
    name = name_clip_file(clips.key.replay_id, clip_request)
    return await ranges.send_range(
        await download.read(wanted.start, wanted.end),
        wanted,
        size_bytes=size_bytes,
        media_type=clip_request.format.media_type,
        headers={**MEDIA_HEADERS, "Content-Disposition": f'attachment; filename="{name}"'},
    )


@router.post(route_to(replay_urls.delete_clip))
async def delete_clip(_member: MemberHere, clips: ClipsHere, clip_id: ClipIdHere) -> Response:
    """Delete a clip; one that is being rendered is dropped."""
    await clips.delete(clip_id)
    return answer.redirect(replay_urls.clips(*clips.key), done="clip-deleted")
