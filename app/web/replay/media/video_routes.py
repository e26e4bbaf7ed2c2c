"""The bytes behind the replay page: the index, the stream, the gestures, and segments as MP4."""

from typing import Final

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from app.playback.video.player import VideoStream
from app.web.frame import access, ranges
from app.web.frame.media import MEDIA_HEADERS, refuse_other_sites
from app.web.replay.readers import ReplayPlayerHere
from app.web.urls import replay_urls
from app.web.urls.routing import route_to

router = APIRouter()

_BINARY: Final = "application/octet-stream"
_LATEST_MS: Final = 10**12
_LATEST_DIGITS: Final = 12


@router.get(route_to(replay_urls.index))
async def send_index(player: ReplayPlayerHere, t: str = "") -> Response:
    """Send the playback index, and with it the pictures due at `t` milliseconds."""
    start = await player.read_start(read_ms(t))
    headers = {**MEDIA_HEADERS, "ETag": f'"{start.version}"', "X-Gop": str(start.gop)}
    return Response(start.body, 200, headers, _BINARY)


@router.get(route_to(replay_urls.stream))
async def send_stream(request: Request, player: ReplayPlayerHere, v: str = "") -> Response:
    """Send a range of the replay's pictures as one version of its index places them."""
    return await answer_stream(request, await player.find_stream(v))


@router.get(route_to(replay_urls.gestures))
async def send_gestures(
    request: Request, player: ReplayPlayerHere, from_segment: access.FromSegment = 0
) -> Response:
    """Send the gestures, in the pixels of the picture and on the player's clock."""
    version = f'"{player.gestures_version}"'
    headers = {**MEDIA_HEADERS, "ETag": version}
    if request.headers.get("if-none-match") == version:
        return Response(status_code=304, headers=headers)
    body = await player.read_gestures(from_segment=from_segment)
    return Response(body, 200, headers, "application/json")


@router.get(route_to(replay_urls.segment_video))
async def send_segment(
    request: Request, player: ReplayPlayerHere, segment_id: access.RowId
) -> Response:
    """Send the video of a segment as the phone sent it."""
    refuse_other_sites(request)
    video = await player.find_segment_video(segment_id)
    try:
        wanted = ranges.read_range(request, video.size_bytes)
    except ranges.UnsatisfiableRange:
        return ranges.refuse_range(video.size_bytes)
    return await ranges.send_range(
        await video.download(wanted.start, wanted.end),
        wanted,
        size_bytes=video.size_bytes,
        media_type="video/mp4",
        headers=MEDIA_HEADERS,
    )


async def answer_stream(request: Request, stream: VideoStream | None) -> Response:
    """Send a range of a stream of pictures; 409 if there is none of the version that was asked."""
    if stream is None:
        return PlainTextResponse("The replay has changed; fetch its index again.\n", 409)
    try:
        wanted = ranges.read_range(request, stream.size_bytes)
    except ranges.UnsatisfiableRange:
        return ranges.refuse_range(stream.size_bytes)
    return await ranges.send_range(
        stream.read(wanted.start, wanted.end),
        wanted,
        size_bytes=stream.size_bytes,
        media_type=_BINARY,
        headers=MEDIA_HEADERS,
    )


def read_ms(text: str) -> int:
    """Read a time on the replay clock; anything else is the start."""
    is_number = text.isascii() and text.isdecimal() and len(text) <= _LATEST_DIGITS
    return min(int(text), _LATEST_MS) if is_number else 0
