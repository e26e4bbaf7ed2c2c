"""The bytes behind the replay page: the index, the stream, and segments as they came."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Final

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from app.audit import writes as audit
from app.audit.model import Action
from app.core import units
from app.core.errors import NotFound
from app.playback.recording import gestures, recorded_segments
from app.playback.video import start, stream
from app.playback.video.index_cache import PlayableReplay
from app.replays import queries as replays
from app.replays.model import Segment
from app.storage.port import ObjectStore
from app.web.frame import access, ranges
from app.web.frame.access import VisibleReplay
from app.web.frame.media import MEDIA_HEADERS, refuse_other_sites
from app.web.frame.services import services_of

router = APIRouter()

_PATH: Final = "/projects/{project_id}/replays/{replay_id}"
_BINARY: Final = "application/octet-stream"
_CHUNK_BYTES: Final = 1024 * 1024
_LATEST_MS: Final = 10**12


@router.get(f"{_PATH}/index")
async def send_index(request: Request, playing: access.CurrentPlayback, t: str = "") -> Response:
    """Send the playback index, and with it the pictures due at `t` milliseconds."""
    here = services_of(request)
    playable = await here.index_cache.find(here.db, playing.replay)
    found = await start.read_start(here.store, playable, _read_ms(t))
    headers = {**MEDIA_HEADERS, "ETag": f'"{found.version}"', "X-Gop": str(found.gop)}
    return Response(found.body, 200, headers, _BINARY)


@router.get(f"{_PATH}/stream")
async def send_stream(request: Request, playing: access.CurrentPlayback, v: str = "") -> Response:
    """Send a range of the replay's pictures as one version of its index places them."""
    here = services_of(request)
    built = await (await here.index_cache.find(here.db, playing.replay)).at(v)
    if built is None:
        return PlainTextResponse("The replay has changed; fetch its index again.\n", 409)
    try:
        wanted = ranges.read_range(request, built.size_bytes)
    except ranges.UnsatisfiableRange:
        return ranges.refuse_range(built.size_bytes)
    chunks = stream.read_stream(here.store, built, wanted.start, wanted.end)
    size_bytes = built.size_bytes
    return await ranges.send_range(
        chunks, wanted, size_bytes=size_bytes, media_type=_BINARY, headers=MEDIA_HEADERS
    )


@router.get(f"{_PATH}/gestures")
async def send_gestures(
    request: Request, playing: access.CurrentPlayback, from_segment: access.FromSegment = 0
) -> Response:
    """Send what fingers did, in the pixels of the picture and on the player's clock."""
    here = services_of(request)
    replay = playing.replay
    version = f'"{replay.segments}-{units.ms_from_at(replay.last_received_at)}"'
    headers = {**MEDIA_HEADERS, "ETag": version}
    if request.headers.get("if-none-match") == version:
        return Response(status_code=304, headers=headers)
    playable = await here.index_cache.find(here.db, replay)
    body = playable.gestures if from_segment == 0 else None
    if body is None:
        async with here.db.reading() as connection:
            segments = await recorded_segments.read_segments(
                connection, replay.key, from_segment=from_segment, steps=replay.clock_steps
            )
        built = playable.newest
        zero_ms = built.started_at_ms if built.gops else units.ms_from_at(replay.started_at)
        body = await asyncio.to_thread(_gestures_of, segments, zero_ms, from_segment)
        if from_segment == 0:
            playable.keep_gestures(body)
    return Response(body, 200, headers, "application/json")


@router.get(f"{_PATH}/segments/{{segment_id}}.mp4")
async def send_segment(
    request: Request, playing: access.CurrentPlayback, segment_id: access.RowId
) -> Response:
    """Send the video of a segment as the phone sent it."""
    refuse_other_sites(request)
    key, offset, size_bytes = await _stored(request, playing, segment_id)
    try:
        wanted = ranges.read_range(request, size_bytes)
    except ranges.UnsatisfiableRange:
        return ranges.refuse_range(size_bytes)
    if wanted.start == 0:
        await _note_download(request, playing, segment_id)
    chunks = _chunks(services_of(request).store, key, offset + wanted.start, offset + wanted.end)
    return await ranges.send_range(
        chunks, wanted, size_bytes=size_bytes, media_type="video/mp4", headers=MEDIA_HEADERS
    )


def _gestures_of(segments: Sequence[Segment], zero_ms: int, from_segment: int) -> bytes:
    recorded = recorded_segments.read_recordings(segments, from_segment=from_segment)
    return gestures.encode_gestures(gestures.read_gestures(recorded, zero_ms=zero_ms))


def _read_ms(t: str) -> int:
    """Read a place on the replay clock; anything else is the start."""
    return min(int(t), _LATEST_MS) if t.isascii() and t.isdecimal() and len(t) <= 12 else 0  # noqa: PLR2004 - digits of the latest


async def _stored(
    request: Request, playing: VisibleReplay, segment_id: int
) -> tuple[str, int, int]:
    """Return where the bytes of a segment's video are: object key, offset, length.

    Raises:
        NotFound: There is no such replay or segment, or it has no video.
    """
    here = services_of(request)
    playable = await here.index_cache.find(here.db, playing.replay)
    place = _playable(playable, segment_id)
    if place is not None:
        return place
    async with here.db.reading() as connection:
        segments = await replays.read_segments(connection, playing.replay.key)
    for segment in segments:
        if segment.segment_id == segment_id and segment.object_key:
            return segment.object_key, segment.object_offset, segment.object_bytes
    raise NotFound(f"segment {segment_id} has no video")


def _playable(playable: PlayableReplay, segment_id: int) -> tuple[str, int, int] | None:
    for segment in playable.segments:
        if segment.segment_id == segment_id:
            return segment.object_key, segment.object_offset, segment.object_bytes
    return None


async def _note_download(request: Request, playing: VisibleReplay, segment_id: int) -> None:
    async with services_of(request).db.transaction() as connection:
        await audit.add_line(
            connection,
            Action.REPLAY_DOWNLOADED,
            person_id=playing.person.id,
            project_id=playing.replay.key.project_id,
            subject=playing.replay.key.replay_id,
            detail={"segment": segment_id},
        )


async def _chunks(store: ObjectStore, key: str, start: int, end: int) -> AsyncIterator[bytes]:
    """Yield bytes of an object, a mebibyte at a time; ends early if the object does."""
    while start < end:
        data = await store.read(key, start, min(_CHUNK_BYTES, end - start))
        if not data:
            return
        yield data
        start += len(data)
