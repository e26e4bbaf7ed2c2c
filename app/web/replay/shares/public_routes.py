"""The pages of a share, which open without an account, and the bytes behind them."""

import asyncio
import json
from typing import Final

import msgspec
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from app.core.errors import ServiceUnavailable
from app.playback.video.start import PlaybackStart
from app.replays.sharing.model import ShareKind, SharePanel
from app.sharing import shared_pictures
from app.sharing.message_jpegs import MessageJpegs
from app.web.frame import access, answer, part_cursors, trace_parts
from app.web.frame.media import MEDIA_HEADERS, refuse_other_sites
from app.web.frame.middleware import guard
from app.web.frame.services import services_of
from app.web.replay.media.picture_routes import describe_strip
from app.web.replay.media.video_routes import answer_stream, read_ms
from app.web.replay.page import ReplayPartPage
from app.web.replay.parts import build as parts_build
from app.web.replay.parts.routes import FirstRow
from app.web.replay.readers import read_start_ms
from app.web.replay.request import build as request_build
from app.web.replay.shares import build
from app.web.replay.shares.visitors import (
    PageVisitor,
    PartVisitor,
    ShareToken,
    ShareVisitor,
    find_opened_share,
    is_opening,
    make_strip_drawer,
    note_visit,
)
from app.web.replay.trace import build as trace_build
from app.web.replay.trace.served import list_backend_spans
from app.web.urls import share_urls
from app.web.urls.routing import route_to

router = APIRouter()

_SHARE: Final = route_to(share_urls.share)
_BINARY: Final = "application/octet-stream"
_JSON: Final = "application/json"
_NO_STORE: Final = {"Cache-Control": "private, no-store"}


@router.get(_SHARE)
async def show_share(
    request: Request,
    visitor: PageVisitor,
    t: str = "",
    tab: str = "",
    from_segment: access.FromSegment = 0,
) -> Response:
    """Show a shared replay, and note that somebody looks at it."""
    options = build.make_options(
        visitor.address,
        visitor.grant,
        start_at_ms=read_start_ms(t),
        tab=tab,
        from_segment=from_segment,
        is_refresh=not is_opening(request),
    )
    # The view is noted before anything of the recording is sent.
    await note_visit(request, visitor, is_opening=not options.is_refresh)
    start = None if options.is_refresh else await _read_start(visitor, options.start_at_ms)
    data = await visitor.shared.read_page(from_segment=options.from_segment)
    page = await asyncio.to_thread(build.build_share_page, data, visitor.grant, options, start)
    policy = services_of(request).renderer.inlined.policy
    return await answer.render_page(
        request,
        "replay/shares/page.html",
        page,
        headers={
            "Content-Security-Policy": guard.allow_frames(policy, visitor.grant.frame_origins)
        },
    )


@router.get(f"{_SHARE}/index")
async def send_index(visitor: PartVisitor, t: str = "") -> Response:
    """Send the playback index of the part, and with it the pictures due at `t` milliseconds."""
    start = await visitor.shared.read_start(read_ms(t))
    headers = {**MEDIA_HEADERS, "ETag": f'"{start.version}"', "X-Gop": str(start.gop)}
    return Response(start.body, 200, headers, _BINARY)


@router.get(f"{_SHARE}/stream")
async def send_stream(request: Request, visitor: PartVisitor, v: str = "") -> Response:
    """Send a range of the pictures of the part."""
    return await answer_stream(request, await visitor.shared.find_stream(v))


@router.get(f"{_SHARE}/gestures")
async def send_gestures(visitor: PartVisitor) -> Response:
    """Send the gestures of the part."""
    body = await visitor.shared.read_gestures()
    return Response(body, 200, MEDIA_HEADERS, _JSON)


@router.get(f"{_SHARE}/served")
async def send_served(visitor: PartVisitor) -> Response:
    """Send what the project's own services did for the requests of the part."""
    traces = await visitor.shared.read_traces()
    served = await asyncio.to_thread(list_backend_spans, traces, visitor.address)
    return Response(msgspec.json.encode({"served": served}), 200, _NO_STORE, _JSON)


@router.get(f"{_SHARE}/requests.har")
async def send_har(visitor: PageVisitor, from_segment: access.FromSegment = 0) -> Response:
    """Send the requests of the part as a file, and note that somebody took it."""
    contents = await visitor.shared.download_requests(
        address=visitor.client_address, from_segment=from_segment
    )
    value = await asyncio.to_thread(build.make_har, contents)
    text = await asyncio.to_thread(json.dumps, value, ensure_ascii=False)
    headers = {
        "Content-Disposition": 'attachment; filename="shared-replay.har"',
        "Content-Security-Policy": "sandbox; default-src 'none'",
    }
    return Response(text.encode("utf-8", "replace"), 200, headers, _JSON)


@router.get(f"{_SHARE}/requests/{{number}}")
async def show_request(
    request: Request, visitor: PageVisitor, number: int, from_segment: access.FromSegment = 0
) -> Response:
    """Show one request of the part."""
    visitor.shared.require(SharePanel.NETWORK)
    await note_visit(request, visitor, is_opening=False)
    data = await visitor.shared.read_page(from_segment=from_segment)
    page = await asyncio.to_thread(request_build.build_request_page, data, visitor.address, number)
    page = build.hide_user_of_request(page, visitor.grant)
    return await _render(request, visitor, "replay/request.html", page)


@router.get(f"{_SHARE}/traces/{{trace_id}}")
async def show_trace(
    request: Request,
    visitor: PageVisitor,
    trace_id: str,
    first: trace_parts.FirstRow = 0,
    after: str = "",
) -> Response:
    """Show a trace of the part at full length."""
    wanted = trace_parts.read_trace_id(trace_id)
    traces = await visitor.shared.read_traces(after=part_cursors.read_block_place(after))
    await note_visit(request, visitor, is_opening=False)
    page = await trace_build.build_trace_page(
        traces, visitor.address, wanted, after=after, first=first
    )
    return await _render(request, visitor, "trace/page.html", page)


@router.get(f"{_SHARE}/errors")
async def show_errors(request: Request, visitor: PageVisitor, after: str = "") -> Response:
    """Show the errors after a place."""
    errors = await visitor.shared.read_errors(after=part_cursors.read_event_place(after))
    page = await asyncio.to_thread(parts_build.build_error_page, errors, visitor.address)
    return await _render_part(request, visitor, page)


@router.get(f"{_SHARE}/logs")
async def show_logs(request: Request, visitor: PageVisitor, after: str = "") -> Response:
    """Show the log records after a place."""
    logs = await visitor.shared.read_logs(after=part_cursors.read_log_place(after))
    page = await asyncio.to_thread(parts_build.build_log_page, logs, visitor.address)
    return await _render_part(request, visitor, page)


@router.get(f"{_SHARE}/trace")
async def show_traces(
    request: Request, visitor: PageVisitor, after: str = "", first: FirstRow = 0
) -> Response:
    """Show the traces that the spans after a place make, from a given row on."""
    traces = await visitor.shared.read_traces(after=part_cursors.read_block_place(after))
    page = await asyncio.to_thread(
        parts_build.build_trace_page, traces, visitor.address, after=after, first=first
    )
    return await _render_part(request, visitor, page)


@router.get(f"{_SHARE}/activity")
async def show_activity(
    request: Request,
    visitor: PageVisitor,
    first: FirstRow = 0,
    from_segment: access.FromSegment = 0,
) -> Response:
    """Show the activity from a row on."""
    activity = await visitor.shared.read_activity(from_segment=from_segment)
    page = await asyncio.to_thread(
        parts_build.build_activity_page, activity, visitor.address, first=first
    )
    return await _render_part(request, visitor, page)


@router.get(f"{_SHARE}/network")
async def show_requests(
    request: Request,
    visitor: PageVisitor,
    first: FirstRow = 0,
    from_segment: access.FromSegment = 0,
) -> Response:
    """Show the requests from a given row on."""
    visitor.shared.require(SharePanel.NETWORK)
    data = await visitor.shared.read_page(from_segment=from_segment)
    page = await asyncio.to_thread(
        parts_build.build_request_page, data, visitor.address, first=first
    )
    return await _render_part(request, visitor, page)


@router.get(f"{_SHARE}/feedback")
async def show_feedback(request: Request, visitor: PageVisitor, first: FirstRow = 0) -> Response:
    """Show the feedback from a given row on."""
    feedback = await visitor.shared.read_feedback(first=first)
    page = await asyncio.to_thread(
        parts_build.build_feedback_page, feedback, visitor.address, first=first
    )
    return await _render_part(request, visitor, page)


@router.get(f"{_SHARE}/pictures")
async def send_strip(request: Request, visitor: PartVisitor) -> Response:
    """Send when which tile of the strip was on the screen, or that there is none."""
    strip = await shared_pictures.find_strip(visitor.shared, make_strip_drawer(request))
    return JSONResponse(describe_strip(strip), headers=_NO_STORE)


@router.get(f"{_SHARE}/pictures/sheet-{{number}}.webp")
async def send_sheet(request: Request, visitor: PartVisitor, number: int, v: str = "") -> Response:
    """Send one sheet of tiles."""
    refuse_other_sites(request)
    image = await shared_pictures.read_sheet(
        visitor.shared, make_strip_drawer(request), number, version=v[:64]
    )
    if image is None:
        return PlainTextResponse("The replay was drawn anew; ask for its strip again.\n", 409)
    return Response(image, 200, MEDIA_HEADERS, "image/webp")


@router.get(route_to(share_urls.message_picture))
async def send_message_picture(request: Request, token: ShareToken) -> Response:
    """Send the picture of a replay that a message shows, and note that somebody looks at it."""
    services = services_of(request)
    opened = await find_opened_share(request, token, ShareKind.PICTURE, is_page=False)
    jpegs = MessageJpegs(
        services.db,
        services.store,
        services.index_cache,
        services.drawing_slot,
        services.jpeg_cache,
        decodes_video=services.settings.pictures,
    )
    jpeg = await jpegs.draw_picture(opened)
    await services.share_visits.note(
        services.db,
        opened.grant.key,
        opened.grant.share_id,
        kind=ShareKind.PICTURE,
        address=access.client_address(request),
        is_opening=False,
    )
    # Mail programs and chats fetch it from their own addresses, so other sites may show it.
    headers = MEDIA_HEADERS | {"Cross-Origin-Resource-Policy": "cross-origin"}
    return Response(jpeg, 200, headers, "image/jpeg")


async def _read_start(visitor: ShareVisitor, at_ms: int) -> PlaybackStart | None:
    """Read what the player begins with; None when storage is down, and the player asks itself."""
    try:
        return await visitor.shared.read_start(at_ms)
    except ServiceUnavailable:
        return None


async def _render_part(request: Request, visitor: ShareVisitor, page: ReplayPartPage) -> Response:
    await note_visit(request, visitor, is_opening=False)
    return await _render(request, visitor, "replay/part.html", build.hide_user(page, visitor.grant))


async def _render(request: Request, visitor: ShareVisitor, template: str, page: object) -> Response:
    policy = guard.allow_frames(guard.write_policy(), visitor.grant.frame_origins)
    return await answer.render_page(
        request, template, page, headers={"Content-Security-Policy": policy}
    )
